//! The tracepoints of the page allocator, and the `format` file that says where
//! the fields of a classic one lie.

/// The group of classic tracepoints both belong to.
pub const GROUP: &str = "kmem";
/// An allocation.
pub const ALLOC: &str = "mm_page_alloc";
/// A free.
pub const FREE: &str = "mm_page_free";

/// Offset of a field in the tracepoint's record, in bytes.
///
/// A line reads `\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;`.
pub fn offset(format: &str, field: &str) -> Option<u32> {
    format.lines().find_map(|line| {
        let (declaration, rest) = line.trim().strip_prefix("field:")?.split_once(';')?;
        let name = declaration.rsplit(' ').next()?;
        let offset = rest.trim().strip_prefix("offset:")?.split(';').next()?;
        (name == field).then(|| offset.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &str = "\
name: mm_page_alloc
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;
\tfield:unsigned int order;\toffset:16;\tsize:4;\tsigned:0;
";

    #[test]
    fn a_field_gives_its_offset() {
        assert_eq!(offset(FORMAT, "pfn"), Some(8));
        assert_eq!(offset(FORMAT, "order"), Some(16));
    }

    #[test]
    fn a_field_of_another_name_is_none() {
        assert_eq!(offset(FORMAT, "fn"), None);
        assert_eq!(offset("field:broken", "broken"), None);
    }
}
