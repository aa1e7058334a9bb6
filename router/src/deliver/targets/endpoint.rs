//! [`Endpoint`]: a target's URL, taken apart once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use super::ConnectError;

/// Where requests go, and what the URL says beside that.
pub(super) struct Endpoint {
    /// The URL without user, password and fragment.
    pub(super) uri: Uri,
    /// The URL as it was parsed, for what must not be shown of it.
    pub(super) url: Url,
    /// A form of it that may be shown to anybody: without user, password and query, and of the path, which may be a
    /// secret too, only the start: `https hooks.example/services/...`.
    pub(super) address: String,
}

impl Endpoint {
    /// Reads a URL. A host is what the URL standard makes of it, so that every spelling of an IP address is that address.
    pub(super) fn parse(text: &str) -> Result<Self, ConnectError> {
        let unusable = |reason| ConnectError::Url { reason };
        let url = Url::parse(text).map_err(|error| unusable(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable(format!("`{}` is neither http nor https", url.scheme())));
        }
        let place = &url[Position::BeforeHost..Position::AfterQuery];
        let uri = Uri::try_from(format!("{}://{place}", url.scheme()));
        let uri = uri.map_err(|error| unusable(error.to_string()))?;
        Ok(Self { uri, address: show(&url), url })
    }

    /// Tells whether it is reached by TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns the host, as it goes to the resolver.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Returns the value of the header `authorization` that the URL's user and password ask for.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        if self.url.username().is_empty() && self.url.password().is_none() {
            return None;
        }
        let mut pair: Vec<u8> = percent_decode_str(self.url.username()).collect();
        pair.push(b':');
        pair.extend(percent_decode_str(self.url.password().unwrap_or_default()));
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn show(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().strip_prefix('/').unwrap_or_default();
    let path = match path.split_once('/') {
        Some((first, rest)) if !rest.is_empty() => format!("{first}/..."),
        _ => path.to_owned(),
    };
    format!("{} {}{port}/{path}", url.scheme(), url.host_str().unwrap_or_default())
}
