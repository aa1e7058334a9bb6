//! Events that are made for a pattern, and fulfil most of it.

use crate::check::naive::Json;

use super::value::another_address;

/// Makes values for a pattern.
pub(super) struct Maker {
    /// What decides where there are several ways to go on.
    pub(super) choices: u64,
}

impl Maker {
    /// Returns what an object must have for the fields of a pattern to hold.
    pub(super) fn members(&mut self, fields: &[(String, Json)]) -> Vec<(String, Json)> {
        let mut members = Vec::new();
        for (name, wanted) in fields {
            match (name.as_str(), wanted) {
                ("$or", Json::List(objects)) if !objects.is_empty() => {
                    if let Json::Object(fields) = &objects[self.choose(objects.len())] {
                        members.extend(self.members(fields));
                    }
                }
                (_, Json::Object(fields)) => {
                    let value = Json::Object(self.members(fields));
                    members.push((name.clone(), self.wrap(value)));
                }
                (_, Json::List(alternatives)) if !alternatives.is_empty() => {
                    let choice = self.choose(alternatives.len());
                    let value = self.value(&alternatives[choice]);
                    members.push((name.clone(), self.wrap(value)));
                }
                _ => {}
            }
        }
        members
    }

    fn choose(&mut self, count: usize) -> usize {
        let choice = usize::try_from(self.choices % 64).unwrap_or_default() % count;
        self.choices = self.choices.rotate_right(7);
        choice
    }

    /// Puts a value into an array, alone or behind others.
    fn wrap(&mut self, value: Json) -> Json {
        match self.choose(8) {
            1 => Json::List(vec![value]),
            2 => Json::List(vec![Json::Object(Vec::new()), Json::Null, value]),
            _ => value,
        }
    }

    fn value(&mut self, alternative: &Json) -> Json {
        match alternative {
            Json::Object(members) => match &members[..] {
                [(operator, operand)] => self.operand(operator, operand),
                _ => Json::Null,
            },
            Json::Text(text) => match another_address(text, self.choose(64)) {
                Some(address) => Json::Text(address.to_owned()),
                None => alternative.clone(),
            },
            plain => plain.clone(),
        }
    }

    fn operand(&mut self, operator: &str, operand: &Json) -> Json {
        match (operator, operand) {
            ("exists", Json::False) => Json::List(Vec::new()),
            ("cidr", _) => self.value(&Json::Text("10.0.0.1".to_owned())),
            ("wildcard", Json::Text(text)) => Json::Text(text.replace('*', "")),
            ("equals-ignore-case", Json::Text(text)) if self.choose(2) == 1 => {
                Json::Text(text.to_uppercase())
            }
            ("equals-ignore-case", Json::Text(text)) => Json::Text(text.to_lowercase()),
            (_, Json::Object(nested)) => match &nested[..] {
                [(operator, operand)] => self.operand(operator, operand),
                _ => Json::Null,
            },
            (_, Json::List(terms)) => terms.last().map_or(Json::Null, |last| self.operand(operator, last)),
            (_, operand) => operand.clone(),
        }
    }
}
