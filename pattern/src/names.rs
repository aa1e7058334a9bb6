//! Whether an event says everything once, so that a walk may stop when it has seen what it looks for.

#![expect(clippy::inline_always, reason = "the work is compiled again with the instructions of each form")]

use crate::block::{self, Block, Work};
use crate::short::hash;
use crate::window::Window;

/// How many names of open objects are remembered. More make no difference but to speed.
const NAMES_MAX: usize = 128;

/// How many objects may be open.
const OPEN_MAX: usize = 32;

/// Returns whether no object in the text, which is well-formed, has a name twice, and no name has a dot.
///
/// `false` is also said of texts that would take long to look through: with long objects, or names with escapes.
pub(crate) fn are_unique(json: &[u8]) -> bool {
    block::widest(Look { json, names: [0; NAMES_MAX], count: 0, starts: [0; OPEN_MAX], open: 0 })
}

struct Look<'j> {
    json: &'j [u8],
    /// Hashes of the names of open objects, those of the innermost last.
    names: [u64; NAMES_MAX],
    count: usize,
    /// Where those of each open object begin.
    starts: [usize; OPEN_MAX],
    open: usize,
}

impl Work for Look<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<B: Block>(mut self, block: B) -> bool {
        let mut window = Window::new();
        loop {
            let Some(mark) = window.take() else {
                if window.refill(block, self.json) {
                    continue;
                }
                return true;
            };
            let goes_on = match self.json.get(mark) {
                Some(b':') => {
                    let name = window.text_before(mark);
                    self.add(self.json.get(name.start..name.end).unwrap_or_default())
                }
                Some(b'{') => self.enter(),
                Some(b'}') => self.leave(),
                _ => true,
            };
            if !goes_on {
                return false;
            }
        }
    }
}

impl Look<'_> {
    fn enter(&mut self) -> bool {
        let Some(start) = self.starts.get_mut(self.open) else {
            return false;
        };
        *start = self.count;
        self.open += 1;
        true
    }

    fn leave(&mut self) -> bool {
        self.open = self.open.saturating_sub(1);
        self.count = self.starts[self.open];
        true
    }

    fn add(&mut self, name: &[u8]) -> bool {
        let hash = hash(name, 0);
        let start = self.starts[self.open.saturating_sub(1)];
        let is_odd = name.iter().any(|byte| matches!(byte, b'.' | b'\\'));
        if is_odd || self.count == NAMES_MAX || self.names[start..self.count].contains(&hash) {
            return false;
        }
        self.names[self.count] = hash;
        self.count += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::are_unique;

    fn check(json: &str, expected: bool) {
        assert_eq!(are_unique(json.as_bytes()), expected, "{json}");
    }

    #[test]
    fn a_name_stands_once_in_its_object() {
        check(r#"{"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}], "d": "a"}"#, true);
        check(r#"{"a": 1, "b": {"a": 2, "c": {}, "a": 3}}"#, false);
        check(r#"{"a": {"b": [1, {"c": 1}]}, "a name of more than sixteen bytes": 1, "a": 2}"#, false);
        check(r#"{"a name of more than sixteen bytes": 1, "a name of more than sixteen bytez": 1}"#, true);
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        check(r#"{"a.b": 1}"#, false);
        check(r#"{"\u0061": 1}"#, false);
        check(&format!("{}1{}", r#"{"a":"#.repeat(40), "}".repeat(40)), false);
        let members: Vec<String> = (0..200).map(|name| format!("\"{name}\": 1")).collect();
        check(&format!("{{{}}}", members.join(",")), false);
        check(&format!("{{{}}}", members[..100].join(",")), true);
    }
}
