//! Values of options: each reader gives the value or says what would be one.

use std::{ffi::OsString, ops::RangeInclusive, time::Duration};

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use hyper::{Uri, http::uri::Scheme};
use tracer_ebpf::MAX_ORDER;

use super::{Baseline, GfpFlag, Input, Output, Server};
use crate::model::{Choice, Threshold};

/// The longest window: 7 days.
const LONGEST: u64 = 7 * 24 * 3600;

/// The most sites the table can hold beside the reserved ones.
pub(super) const MAX_SITES: i64 = (tracer_ebpf::MAX_SITES - tracer_ebpf::FIRST_SITE) as i64;

/// One of the values that a name is for.
pub(super) fn choice<T: Choice + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let names = T::ALL.iter();
    let names = names.map(|it| PossibleValue::new(it.name()).help(it.help()));
    PossibleValuesParser::new(names)
        .try_map(|name| T::named(&name).ok_or("give one of these names"))
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .map_err(|_| "give a whole number of seconds".to_owned())?;
    if seconds > LONGEST {
        return Err(format!("give at most {LONGEST} seconds (7 days)"));
    }
    Ok(Duration::from_secs(seconds))
}

pub(super) fn interval(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("give at least 1 second".to_owned()),
        interval => Ok(interval),
    }
}

/// `90`, `90s`, `10m`, `2h` or `7d`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "give a time, as 90s, 10m, 2h or 7d".to_owned();
    let text = text.trim();
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "s"),
    };
    let seconds = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => 1,
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(seconds).filter(|&it| it > 0);
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

/// The number of a page frame, as 4711 or 0x1267.
pub(super) fn frame(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "give the number of a page frame, as 4711 or 0x1267".to_owned())
}

/// `now`, or the path of a file.
pub(super) fn baseline(text: &str) -> Result<Baseline, String> {
    match text {
        "now" => Ok(Baseline::Now),
        "" => Err("give the name of a file, or \"now\"".to_owned()),
        path => Ok(Baseline::File(path.into())),
    }
}

/// `MIN` or `MIN..MAX`, both inclusive; without a `MAX`, up to the largest order.
pub(super) fn orders(text: &str) -> Result<RangeInclusive<u32>, String> {
    let (least, greatest) = text.split_once("..").unwrap_or((text, ""));
    let order = |text: &str| {
        let order = text.parse().ok().filter(|order| *order <= MAX_ORDER);
        order.ok_or_else(|| format!("give orders from 0 to {MAX_ORDER}, as 3 or 2..4"))
    };
    let greatest = if greatest.is_empty() {
        MAX_ORDER
    } else {
        order(greatest)?
    };
    let orders = order(least)?..=greatest;
    if orders.is_empty() {
        return Err("give the smaller order first".to_owned());
    }
    Ok(orders)
}

/// `FLAG` or `!FLAG`.
pub(super) fn gfp_flag(text: &str) -> Result<GfpFlag, String> {
    let (name, excluded) = match text.trim().strip_prefix('!') {
        Some(name) => (name, true),
        None => (text.trim(), false),
    };
    if name.is_empty() {
        return Err("give the name of a gfp flag, such as GFP_ATOMIC".to_owned());
    }
    Ok(GfpFlag {
        name: name.to_owned(),
        excluded,
    })
}

/// `500M`, `2GiB`: all units are binary, as the tables have them; or `10%`.
pub(super) fn threshold(text: &str) -> Result<Threshold, String> {
    let wrong = || "give a size or a percentage, as 500M, 2G or 10%".to_owned();
    let text = text.trim();
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.trim().parse().map_err(|_| wrong())?;
        let is_share = (0.0..=100.0).contains(&percent);
        return is_share
            .then_some(Threshold::Percent(percent))
            .ok_or_else(wrong);
    }
    size(text).map(Threshold::Bytes).map_err(|_| wrong())
}

/// `500M`, `2GiB`: all units are binary.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let size = parse_size::Config::new().with_binary().parse_size(text);
    size.map_err(|_| "give a size, as 500M or 2G".to_owned())
}

/// `http://HOST:PORT`, with a path and a query if need be.
pub(super) fn server(text: &str) -> Result<Server, String> {
    let wrong = || "give the URL of a server, as http://localhost:4040".to_owned();
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    if uri.scheme() == Some(&Scheme::HTTPS) {
        return Err(
            "pagetrace speaks no TLS: send it to a proxy on this machine that does".to_owned(),
        );
    }
    let authority = uri
        .authority()
        .filter(|_| uri.scheme() == Some(&Scheme::HTTP));
    let authority = authority.filter(|it| !it.as_str().contains('@'));
    let authority = authority.ok_or_else(wrong)?;
    let port = authority.port_u16().unwrap_or(80);
    Ok(Server {
        url: text.to_owned(),
        authority: format!("{}:{port}", authority.host()),
        path: uri.path().trim_end_matches('/').to_owned(),
        query: uri.query().map(str::to_owned),
    })
}

/// A path, which need not be text, or `-`.
pub(super) fn output() -> impl TypedValueParser<Value = Output> {
    OsStringValueParser::new().try_map(output_named)
}

fn output_named(name: OsString) -> Result<Output, &'static str> {
    match name.as_encoded_bytes() {
        b"" => Err("give a file name, or - for stdout"),
        b"-" => Ok(Output::Stdout),
        _ => Ok(Output::File(name.into())),
    }
}

/// A path, which need not be text, or `-`.
pub(super) fn input() -> impl TypedValueParser<Value = Input> {
    OsStringValueParser::new().try_map(input_named)
}

fn input_named(name: OsString) -> Result<Input, &'static str> {
    match name.as_encoded_bytes() {
        b"" => Err("give a file name, or - for stdin"),
        b"-" => Ok(Input::Stdin),
        _ => Ok(Input::File(name.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn orders_are_inclusive() {
        assert_eq!(orders("3"), Ok(3..=13));
        assert_eq!(orders("2..4"), Ok(2..=4));
        assert_eq!(orders("2.."), Ok(2..=13));
        for text in ["", "x", "14", "..3", "4..2", "-1"] {
            assert!(orders(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("2h", 7200),
            ("7d", 604_800),
        ] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)));
        }
        for text in [
            "",
            "m",
            "0s",
            "-1m",
            "1w",
            "1.5h",
            "99999999999999999999d",
            "999999999999999999d",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_threshold_is_a_size_or_a_share() {
        assert_eq!(threshold("500M"), Ok(Threshold::Bytes(500 << 20)));
        assert_eq!(threshold("2 GiB"), Ok(Threshold::Bytes(2 << 30)));
        assert_eq!(threshold("12.5%"), Ok(Threshold::Percent(12.5)));
        for text in ["", "%", "x", "-1", "101%", "NaN%"] {
            assert!(threshold(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_exclamation_mark_excludes() {
        let flag = gfp_flag("!__GFP_ZERO").expect("a flag");
        assert_eq!((flag.name.as_str(), flag.excluded), ("__GFP_ZERO", true));
        assert!(gfp_flag("!").is_err());
    }

    #[test]
    fn a_dash_is_no_file() {
        assert_eq!(output_named("-".into()), Ok(Output::Stdout));
        assert_eq!(output_named("-x".into()), Ok(Output::File("-x".into())));
        assert!(output_named(OsString::new()).is_err());
        assert_eq!(input_named("-".into()), Ok(Input::Stdin));
        assert!(input_named(OsString::new()).is_err());
    }

    #[test]
    fn a_file_name_need_not_be_text() {
        let name = OsString::from_vec(b"leak\xff.json".into());
        let (output, input) = (output_named(name.clone()), input_named(name.clone()));
        assert_eq!(output, Ok(Output::File(name.clone().into())));
        assert_eq!(input, Ok(Input::File(name.into())));
    }

    #[test]
    fn a_server_is_one_that_can_be_spoken_to() {
        let found = server("http://host:4040/x/?name=a").expect("a server");
        let path = (found.path.as_str(), found.query.as_deref());
        assert_eq!(path, ("/x", Some("name=a")));
        assert_eq!(found.authority, "host:4040");
        assert_eq!(
            server("http://[::1]").expect("a server").authority,
            "[::1]:80"
        );
        assert!(
            server("https://host")
                .expect_err("no TLS")
                .contains("proxy")
        );
        for wrong in [
            "",
            "host",
            "host:4040",
            "/path",
            "http://",
            "http://me:you@host",
            "ftp://host",
        ] {
            assert!(server(wrong).is_err(), "{wrong}");
        }
    }
}
