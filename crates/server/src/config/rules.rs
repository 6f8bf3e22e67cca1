//! Rules about single values that a schema cannot express and more than one topic needs: addresses on the network,
//! repeated entries, empty texts. Each reports what it finds at a place.

use std::net::Ipv6Addr;

use super::place::Place;
use super::report::Report;
use super::values::Secret;

/// Schemes of addresses that are called over HTTP.
pub(crate) const HTTP: &[&str] = &["http", "https"];

/// `text` must be an address such as `https://host:port/path` with one of `schemes`. The text itself is not shown.
pub(crate) fn url(text: &str, schemes: &[&str], place: &Place, report: &mut Report<'_>) {
    if let Err(message) = check_url(text, schemes) {
        report.refuse(place, message);
    }
}

/// As [`url`], when there is one.
pub(crate) fn optional_url(
    text: Option<&String>,
    schemes: &[&str],
    place: &Place,
    report: &mut Report<'_>,
) {
    if let Some(text) = text {
        url(text, schemes, place, report);
    }
}

/// `text` must have more than white space in it.
pub(crate) fn filled(text: &str, place: &Place, report: &mut Report<'_>) {
    if text.trim().is_empty() {
        report.refuse(place, "must not be empty");
    }
}

/// `text` must be what a version of firmware can be called.
pub(crate) fn version(text: &str, place: &Place, report: &mut Report<'_>) {
    let unsound = |c: char| c.is_whitespace() || c.is_control();
    if text.is_empty() || text.len() > 100 || text.contains(unsound) {
        let message = "must be a version: 1 to 100 characters without blanks";
        report.refuse(place, message);
    }
}

/// A secret that is given must have more than white space in it.
pub(crate) fn filled_secret(secret: Option<&Secret>, place: &Place, report: &mut Report<'_>) {
    if let Some(secret) = secret {
        filled(secret.expose(), place, report);
    }
}

/// No two entries of a list may be equal.
pub(crate) fn distinct<T: PartialEq>(items: &[T], place: &Place, report: &mut Report<'_>) {
    for (index, item) in items.iter().enumerate() {
        if items[..index].contains(item) {
            report.refuse(
                &place.item(index),
                "is in the list twice; remove one of them",
            );
        }
    }
}

/// `text` must be `host:port`.
pub(crate) fn host_and_port(text: &str, place: &Place, report: &mut Report<'_>) {
    let result = check_authority(text)
        .and_then(|port| port.ok_or_else(|| "has no port; write it as `host:port`".to_owned()));
    if let Err(message) = result {
        report.refuse(place, message);
    }
}

fn check_url(text: &str, schemes: &[&str]) -> Result<(), String> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("must be a URL without spaces".to_owned());
    }
    let wanted = || {
        let schemes: Vec<String> = schemes
            .iter()
            .map(|scheme| format!("{scheme}://"))
            .collect();
        format!("must be a URL that begins with {}", schemes.join(" or "))
    };
    let (scheme, rest) = text.split_once("://").ok_or_else(wanted)?;
    if !schemes.contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(wanted());
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let address = authority
        .rsplit_once('@')
        .map_or(authority, |(_, address)| address);
    check_authority(address).map(|_| ())
}

/// The port of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn check_authority(address: &str) -> Result<Option<u16>, String> {
    let (host, port) = if let Some(rest) = address.strip_prefix('[') {
        let (host, port) = rest
            .split_once(']')
            .ok_or("has an IPv6 address without `]`")?;
        host.parse::<Ipv6Addr>()
            .map_err(|_| "has an invalid IPv6 address")?;
        (host, port.strip_prefix(':'))
    } else {
        match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        }
    };
    if host.is_empty() {
        return Err("has no host name".to_owned());
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if !host.chars().all(allowed) {
        return Err("has a host name with characters that no host name has".to_owned());
    }
    match port {
        None => Ok(None),
        Some(port) => match port.parse::<u16>() {
            Ok(port) if port > 0 => Ok(Some(port)),
            Ok(_) | Err(_) => Err("has a port that is not from 1 to 65535".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{HTTP, check_url};

    #[test]
    fn accepts_addresses() {
        for url in [
            "https://api.example.com:3002/health?x=1",
            "http://user:pa:ss@10.0.0.1",
            "HTTP://[::1]:8080",
            "http://localhost",
        ] {
            assert_eq!(check_url(url, HTTP), Ok(()), "{url}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_called() {
        for url in [
            "api.example.com",
            "ftp://example.com",
            "http://",
            "https:///path",
            "http://host:0",
            "http://host:70000",
            "http://ho st",
            "http://[::1",
            "http://[zz]",
            "http://{host}",
        ] {
            assert!(check_url(url, HTTP).is_err(), "{url}");
        }
    }
}
