//! Where the server is and who asks: checks of the address and the key, and what it means when no answer comes.

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::error::{CliError, ErrorKind};

/// Where the server is, and the key that it is shown.
#[derive(Clone)]
pub(crate) struct Connection {
    /// Address of the server, such as `http://127.0.0.1:5001`.
    pub(crate) url: String,
    /// An API key or a JWT.
    pub(crate) key: Option<String>,
}

impl Connection {
    /// The address, checked.
    pub(super) fn base(&self) -> Result<Url, CliError> {
        let unusable = |reason: &str| {
            CliError::usage(format!(
                "`{}` is no address of a server: {reason}",
                self.url
            ))
            .hint("give one like http://127.0.0.1:5001 with --url or FLEETWARD_URL")
        };
        let mut url = Url::parse(&self.url).map_err(|error| unusable(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("it does not begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unusable(
                "it has a user or a password; keys are given with --api-key",
            ));
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(url)
    }

    /// The header that carries the key. A JWT is told by its form.
    pub(super) fn credential(&self) -> Result<(HeaderName, HeaderValue), CliError> {
        let key = self.key.as_deref().map(str::trim).filter(|key| !key.is_empty()).ok_or_else(|| {
            CliError::usage("there is no API key")
                .hint("give one with --api-key or FLEETWARD_API_KEY")
                .hint("the first start of a server prints an admin key; `fleetward key create` makes more")
        })?;
        let is_jwt = key.starts_with("eyJ") && key.split('.').count() == 3;
        let (name, value) = if is_jwt {
            (AUTHORIZATION, format!("Bearer {key}"))
        } else {
            (HeaderName::from_static("x-api-key"), key.to_owned())
        };
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| CliError::usage("the API key has characters that no key has"))?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

impl std::fmt::Debug for Connection {
    /// Keeps the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Whether the address is one of this machine, to which no proxy leads.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// What it means that a request got no answer.
pub(super) fn failure(base: &Url, error: &reqwest::Error) -> CliError {
    let address = base.as_str().trim_end_matches('/');
    let reason = innermost(error);
    let message = if error.is_connect() {
        format!("no server answers at {address}: {reason}")
    } else if error.is_timeout() {
        format!("{address} did not answer in time")
    } else {
        format!("the connection to {address} failed: {reason}")
    };
    CliError::new(ErrorKind::Network, message).hint(
        "start a server with `fleetward serve`, or give its address with --url or FLEETWARD_URL",
    )
}

/// The cause that lies deepest, which is the one that says something.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{Connection, is_this_machine};

    fn connection(url: &str, key: &str) -> Connection {
        Connection {
            url: url.to_owned(),
            key: Some(key.to_owned()),
        }
    }

    #[test]
    fn addresses_are_checked_before_use() {
        assert!(
            connection("https://fleet.example.com/api-of-us/", "k")
                .base()
                .is_ok()
        );
        for url in [
            "localhost:5001",
            "fleet",
            "ftp://fleet",
            "http://user:pass@fleet",
        ] {
            let error = connection(url, "k").base().expect_err(url).to_string();
            assert!(error.contains("FLEETWARD_URL"), "{error}");
        }
    }

    #[test]
    fn keys_and_tokens_have_their_headers() {
        let (name, value) = connection("http://a", " k1 ").credential().unwrap();
        assert_eq!(
            (name.as_str(), value.to_str().unwrap()),
            ("x-api-key", "k1")
        );
        let (name, value) = connection("http://a", "eyJh.eyJz.c2ln")
            .credential()
            .unwrap();
        assert_eq!(
            (name.as_str(), value.to_str().unwrap()),
            ("authorization", "Bearer eyJh.eyJz.c2ln")
        );
        assert!(connection("http://a", " ").credential().is_err());
        assert!(!format!("{:?}", connection("http://a", "hidden")).contains("hidden"));
    }

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        let of = |url: &str| is_this_machine(&Url::parse(url).unwrap());
        assert!(of("http://localhost:1") && of("http://127.0.0.1:1") && of("http://[::1]:1"));
        assert!(!of("http://10.0.0.1") && !of("https://localhost.example.com"));
    }
}
