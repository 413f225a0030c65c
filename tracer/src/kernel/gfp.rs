//! Names of gfp flags, as the running kernel has them: its tracepoint's format
//! says how to print the flags, with an expression for the value of each name.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};

/// The value of each name that the `format` of `mm_page_alloc` tells, such as
/// `__GFP_ZERO` or `GFP_KERNEL`.
///
/// A pair reads `{( unsigned long)(( gfp_t)0x100u), "__GFP_ZERO"}`.
pub fn flags(format: &str) -> BTreeMap<String, u32> {
    let pairs = format.split('{').skip(1).filter_map(|pair| {
        let (expression, rest) = pair.split_once(", \"")?;
        let (name, _) = rest.split_once("\"}")?;
        let value = u32::try_from(value(expression).ok()?).ok()?;
        Some((name.to_owned(), value))
    });
    pairs.filter(|(name, _)| name.contains("GFP_")).collect()
}

/// The value of a constant expression of C, as far as the kernel's headers use them for flags: `|`,
/// `&`, `~`, `<<`, parentheses, casts and numbers.
fn value(expression: &str) -> Result<u64> {
    let mut rest = Expression {
        rest: expression.trim(),
        depth: 0,
    };
    let value = rest.alternatives()?;
    ensure!(rest.rest.is_empty(), "`{}` is left over", rest.rest);
    Ok(value)
}

/// What is left to read, by one function per level of precedence.
struct Expression<'a> {
    rest: &'a str,
    depth: u32,
}

/// Types that a value is cast to; none changes it.
const CASTS: [&str; 3] = ["unsigned long", "gfp_t", "unsigned int"];

impl Expression<'_> {
    fn alternatives(&mut self) -> Result<u64> {
        let mut value = self.intersections()?;
        while self.take("|") {
            value |= self.intersections()?;
        }
        Ok(value)
    }

    fn intersections(&mut self) -> Result<u64> {
        let mut value = self.shifts()?;
        while self.take("&") {
            value &= self.shifts()?;
        }
        Ok(value)
    }

    fn shifts(&mut self) -> Result<u64> {
        let mut value = self.term()?;
        while self.take("<<") {
            let by = u32::try_from(self.term()?)?;
            value = value.checked_shl(by).context("a shift is too long")?;
        }
        Ok(value)
    }

    fn term(&mut self) -> Result<u64> {
        // Deeper than any header nests, and not deep enough to use up the stack.
        const DEEPEST: u32 = 64;
        self.depth += 1;
        ensure!(self.depth < DEEPEST, "it is nested too deeply");
        let value = if self.take("~") {
            !self.term()?
        } else if self.take("(") {
            self.parenthesised()?
        } else {
            self.number()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn parenthesised(&mut self) -> Result<u64> {
        if CASTS.into_iter().any(|cast| self.take(cast)) {
            ensure!(self.take(")"), "a cast does not end");
            return self.term();
        }
        let value = self.alternatives()?;
        ensure!(self.take(")"), "a parenthesis is not closed");
        Ok(value)
    }

    fn number(&mut self) -> Result<u64> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric());
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        let digits = number.trim_end_matches(['u', 'U', 'l', 'L']);
        let parsed = match digits.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => digits.parse(),
        };
        match parsed {
            Ok(value) => Ok(value),
            Err(_) => bail!("`{number}` is no number"),
        }
    }

    /// Goes on behind `token` if that comes next.
    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_formats_have_numbers() {
        let format = "print fmt: \"%s\", __print_flags(REC->gfp_flags, \"|\", \
            {(unsigned long)((( gfp_t)(0x400u|0x800u)) | (( gfp_t)0x40u)), \"GFP_NOFS\"}, \
            {(unsigned long)(( gfp_t)0x100u), \"__GFP_ZERO\"} ) : \"none\"";
        let expected = [("GFP_NOFS", 0xc40), ("__GFP_ZERO", 0x100)];
        assert_eq!(
            flags(format),
            expected.map(|(name, it)| (name.to_owned(), it)).into()
        );
    }

    #[test]
    fn new_formats_have_shifts_and_masks() {
        let format = "{( unsigned long)((((( gfp_t)((((1UL))) << (3))) | (( gfp_t)0)) | \
            (( gfp_t)((((1UL))) << (10)))) & ~(( gfp_t)((((1UL))) << (3)))), \"GFP_LIGHT\"}";
        assert_eq!(flags(format)["GFP_LIGHT"], 0x400);
    }

    #[test]
    fn what_is_no_expression_is_passed_over() {
        let deep = format!("{{{}1, \"GFP_DEEP\"}}", "(".repeat(100_000));
        for format in [
            "{sizeof(x), \"GFP_X\"}",
            "{1 << 99, \"GFP_X\"}",
            "{(1, \"GFP_X\"}",
            "{1 2, \"GFP_X\"}",
            "{0x100, \"uptodate\"}",
            &deep,
        ] {
            assert_eq!(flags(format), BTreeMap::new(), "{format:.40}");
        }
    }
}
