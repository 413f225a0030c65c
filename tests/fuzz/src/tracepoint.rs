//! An offset is of a field that the text declares, of the first of its name.

use pagetrace::kernel::tracepoint::offset;

pub(crate) fn check(data: &[u8]) {
    let format = crate::text(data);
    let declarations = format.lines().filter_map(|line| line.split(';').next());
    let names = declarations.filter_map(|text| text.rsplit([' ', ':']).next());
    for name in names.take(16).chain(["pfn", "order"]) {
        if let Some(found) = offset(format, name) {
            assert!(format.contains(&found.to_string()), "{name} at {found}");
        }
        let longer = format!("\tfield:unsigned long x{name};\toffset:7;\tsize:8;\tsigned:0;\n");
        assert_eq!(
            offset(&(longer + format), name),
            offset(format, name),
            "{name}"
        );
        // A name of more than one word is none.
        if !name.contains(char::is_whitespace) {
            let line = format!("\tfield:unsigned long {name};\toffset:8;\tsize:8;\tsigned:0;\n");
            assert_eq!(offset(&(line + format), name), Some(8), "{name}");
        }
    }
}
