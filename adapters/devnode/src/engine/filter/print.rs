//! Filters as the engine prints them in messages: everything quoted and in parentheses.

use super::expression::{Comparison, Filter};

/// Returns the text, and the column of each attribute name in it, counted from 1, in written order.
pub(super) fn print(filter: &Filter) -> (String, Vec<usize>) {
    let mut printer = Printer::default();
    printer.filter(filter);
    (printer.text, printer.columns)
}

#[derive(Default)]
struct Printer {
    text: String,
    columns: Vec<usize>,
}

impl Printer {
    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        self.text.push_str(&text.replace('"', "\\\""));
        self.text.push('"');
    }

    fn attribute(&mut self, name: &str) {
        // The name begins after its quote, and columns count from 1.
        self.columns.push(self.text.chars().count() + 2);
        self.quoted(name);
    }

    fn joined(&mut self, parts: &[Filter], word: &str) {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.text.push_str(word);
            }
            self.text.push('(');
            self.filter(part);
            self.text.push(')');
        }
    }

    fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::Compare(attribute, comparison, value) => {
                self.attribute(&attribute.name);
                self.text.push_str(match comparison {
                    Comparison::Equal => " = ",
                    Comparison::NotEqual => " != ",
                    Comparison::Greater => " > ",
                    Comparison::GreaterOrEqual => " >= ",
                    Comparison::Lower => " < ",
                    Comparison::LowerOrEqual => " <= ",
                    Comparison::StartsWith => " STARTS WITH ",
                });
                self.quoted(value);
            }
            Filter::Between(attribute, from, to) => {
                self.attribute(&attribute.name);
                self.text.push(' ');
                self.quoted(from);
                self.text.push_str(" TO ");
                self.quoted(to);
            }
            Filter::In(attribute, values) => {
                self.attribute(&attribute.name);
                self.text.push_str(" IN [");
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        self.text.push_str(", ");
                    }
                    self.quoted(value);
                }
                self.text.push(']');
            }
            Filter::Exists(attribute) => {
                self.attribute(&attribute.name);
                self.text.push_str(" EXISTS");
            }
            Filter::IsNull(attribute) => {
                self.attribute(&attribute.name);
                self.text.push_str(" IS NULL");
            }
            Filter::IsEmpty(attribute) => {
                self.attribute(&attribute.name);
                self.text.push_str(" IS EMPTY");
            }
            Filter::Not(inner) => {
                self.text.push_str("NOT (");
                self.filter(inner);
                self.text.push(')');
            }
            Filter::And(parts) => self.joined(parts, " AND "),
            Filter::Or(parts) => self.joined(parts, " OR "),
        }
    }
}
