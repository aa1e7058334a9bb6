//! [`Secrets`]: the words of a target's settings that no message may show.
//!
//! A target may say back what it was sent, and what it says is kept with the attempt and shown on screens.

use reqwest::Url;

/// A shorter word is no secret worth the name, and hiding it would hide half of the language.
const SECRET_CHARS_MIN: usize = 6;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Words that no message may show, the longest first, so that none is found inside another and left in part.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Collects the words of the headers' values, the URL's password and the values of its query.
    pub(super) fn new(headers: &[(String, String)], url: &Url) -> Self {
        let mut words = Vec::new();
        for (_, value) in headers {
            words.extend(value.split_whitespace().map(str::to_owned));
        }
        words.extend(url.password().map(str::to_owned));
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

    /// Returns the text with every secret masked.
    pub(super) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, word| text.replace(word.as_str(), MASK))
    }
}
