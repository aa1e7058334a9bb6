//! [`Secrets`]: the words of a target's settings that no message may show.
//!
//! A target may say back what it was sent, and what it says is kept with the attempt and shown on screens.

use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

/// A shorter word is no secret worth the name, and hiding it would hide half of the language.
const SECRET_CHARS_MIN: usize = 6;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Words that no message may show, the longest first, so that none is found inside another and left in part.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Collects the words of those headers' values that are sensitive, the URL's password and the values of its query.
    pub(super) fn new(headers: &HeaderMap, url: &Url) -> Self {
        let mut words = Vec::new();
        for value in headers.values().filter(|value| value.is_sensitive()).map(HeaderValue::as_bytes) {
            words.extend(String::from_utf8_lossy(value).split_whitespace().map(str::to_owned));
        }
        if let Some(password) = url.password() {
            words.push(password.to_owned());
            words.push(percent_decode_str(password).decode_utf8_lossy().into_owned());
        }
        for (_, value) in url.query_pairs() {
            words.push(value.into_owned());
        }
        for pair in url.query().unwrap_or_default().split('&') {
            words.extend(pair.split_once('=').map(|(_, value)| value.to_owned()));
        }
        words.retain(|word| word.len() >= SECRET_CHARS_MIN);
        words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        Self(words)
    }

    /// Returns the text with every secret masked, also one that the text's end cuts off.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut hidden = self.0.iter().fold(text.to_owned(), |text, word| text.replace(word.as_str(), MASK));
        if let Some(shown) = self.0.iter().filter_map(|word| beginning_at_end(&hidden, word)).max() {
            hidden.truncate(hidden.len() - shown);
            hidden.push_str(MASK);
        }
        hidden
    }
}

/// Returns how many bytes at the end of a text are the beginning of a word, if they are enough to tell something.
fn beginning_at_end(text: &str, word: &str) -> Option<usize> {
    (SECRET_CHARS_MIN..word.len())
        .rev()
        .find(|bytes| word.is_char_boundary(*bytes) && text.ends_with(&word[..*bytes]))
}
