//! One of the many texts of a JSON value.

use crate::check::naive::Json;

/// Returns a text of a value: its seed decides on white space and escapes, 0 is the shortest text.
pub(crate) fn spell(json: &Json, seed: u64) -> String {
    let mut speller = Speller { text: String::new(), state: seed };
    speller.space();
    speller.value(json);
    speller.text
}

struct Speller {
    text: String,
    state: u64,
}

impl Speller {
    /// Returns a number below a limit; always 0 where the seed is 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 24) % limit
    }

    fn space(&mut self) {
        let space = ["", "", "", "", "", " ", "\n", "\t ", "\r\n", "   "];
        let index = usize::try_from(self.below(10)).unwrap_or_default();
        self.text.push_str(space[index]);
    }

    fn value(&mut self, json: &Json) {
        match json {
            Json::Null => self.text.push_str("null"),
            Json::True => self.text.push_str("true"),
            Json::False => self.text.push_str("false"),
            Json::Number(text) => self.text.push_str(text),
            Json::Text(text) => self.string(text),
            Json::List(values) => {
                self.text.push('[');
                for (index, value) in values.iter().enumerate() {
                    self.separate(index);
                    self.value(value);
                }
                self.space();
                self.text.push(']');
            }
            Json::Object(members) => {
                self.text.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    self.separate(index);
                    self.string(name);
                    self.space();
                    self.text.push(':');
                    self.space();
                    self.value(value);
                }
                self.space();
                self.text.push('}');
            }
        }
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.space();
            self.text.push(',');
        }
        self.space();
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for character in text.chars() {
            let short = match character {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '/' if self.below(2) == 1 => "\\/",
                // What half a surrogate pair reads as.
                '?' if self.below(4) == 1 => "\\ud83d",
                '?' if self.below(4) == 1 => "\\uDE00",
                _ => "",
            };
            if !short.is_empty() {
                self.text.push_str(short);
            } else if character < ' ' || self.below(10) == 9 {
                self.escape(character);
            } else {
                self.text.push(character);
            }
        }
        self.text.push('"');
    }

    fn escape(&mut self, character: char) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let upper = self.below(2) == 1;
            let digits = if upper { format!("{unit:04X}") } else { format!("{unit:04x}") };
            self.text.push_str("\\u");
            self.text.push_str(&digits);
        }
    }
}
