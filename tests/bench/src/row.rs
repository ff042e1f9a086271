//! One figure: its measured value, its reference and its goal.

use serde_json::{Value, json};

/// Unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    PerSecond,
    Seconds,
    Bytes,
}

impl Unit {
    /// Formats `value` with three significant digits.
    pub fn show(self, value: f64) -> String {
        let (value, unit) = match self {
            Self::PerSecond => return format!("{value:.0}/s"),
            Self::Seconds if value >= 1.0 => (value, "s"),
            Self::Seconds if value >= 1e-3 => (value * 1e3, "ms"),
            Self::Seconds => (value * 1e6, "µs"),
            Self::Bytes => (value / 1e6, "MB"),
        };
        let decimals = match value {
            ..10.0 => 2,
            ..100.0 => 1,
            _ => 0,
        };
        format!("{value:.decimals$} {unit}")
    }

    fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "per second",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
        }
    }
}

/// Goal of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// No goal: the figure explains others.
    None,
    /// At least this many times the reference.
    AtLeastTimes(f64),
    /// At most this many times the reference.
    AtMostTimes(f64),
    /// At most this many times the reference, and this much more.
    AtMostTimesAnd(f64, f64),
    /// At most this much more than the reference.
    AtMostAbove(f64),
    /// At most this value.
    AtMost(f64),
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    section: &'static str,
    figure: String,
    unit: Unit,
    measured: f64,
    reference: Option<(String, f64)>,
    goal: Goal,
}

impl Row {
    /// Creates a row without a reference.
    pub fn alone(
        section: &'static str,
        figure: impl Into<String>,
        unit: Unit,
        measured: f64,
        goal: Goal,
    ) -> Self {
        Self { section, figure: figure.into(), unit, measured, reference: None, goal }
    }

    /// Adds a reference.
    pub fn against(self, what: impl Into<String>, value: f64) -> Self {
        Self { reference: Some((what.into(), value)), ..self }
    }

    /// Returns the measured value over the reference.
    fn ratio(&self) -> Option<f64> {
        self.reference.as_ref().map(|(_, value)| self.measured / value)
    }

    /// Returns whether the goal is met, or `None` if there is no goal.
    fn is_met(&self) -> Option<bool> {
        let reference = self.reference.as_ref().map_or(f64::NAN, |(_, value)| *value);
        match self.goal {
            Goal::None => None,
            Goal::AtLeastTimes(factor) => Some(self.measured >= factor * reference),
            Goal::AtMostTimes(factor) => Some(self.measured <= factor * reference),
            Goal::AtMostTimesAnd(factor, more) => Some(self.measured <= factor * reference + more),
            Goal::AtMostAbove(more) => Some(self.measured <= reference + more),
            Goal::AtMost(limit) => Some(self.measured <= limit),
        }
    }

    fn goal_text(&self) -> String {
        match self.goal {
            Goal::None => String::new(),
            Goal::AtLeastTimes(factor) => format!("≥ {factor}×"),
            Goal::AtMostTimes(factor) => format!("≤ {factor}×"),
            Goal::AtMostTimesAnd(factor, more) => format!("≤ {factor}× + {}", self.unit.show(more)),
            Goal::AtMostAbove(more) => format!("≤ {} above", self.unit.show(more)),
            Goal::AtMost(limit) => format!("≤ {}", self.unit.show(limit)),
        }
    }

    /// Returns the cells of the table.
    pub fn cells(&self) -> [String; 6] {
        let reference = self
            .reference
            .as_ref()
            .map(|(what, value)| format!("{} ({what})", self.unit.show(*value)))
            .unwrap_or_default();
        let met = match self.is_met() {
            None => "",
            Some(true) => "yes",
            Some(false) => "NO",
        };
        [
            format!("{}: {}", self.section, self.figure),
            self.unit.show(self.measured),
            reference,
            self.ratio().map(|ratio| format!("{ratio:.2}×")).unwrap_or_default(),
            self.goal_text(),
            met.to_owned(),
        ]
    }

    /// Returns the row as JSON.
    pub fn json(&self) -> Value {
        let reference = self.reference.as_ref().map(|(what, value)| json!({ "what": what, "value": value }));
        json!({
            "section": self.section,
            "figure": self.figure,
            "unit": self.unit.name(),
            "measured": self.measured,
            "reference": reference,
            "ratio": self.ratio(),
            "goal": self.goal_text(),
            "met": self.is_met(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(measured: f64, goal: Goal) -> Row {
        Row::alone("x", "y", Unit::Seconds, measured, goal).against("z", 10.0)
    }

    #[test]
    fn goals_are_judged_against_the_reference() {
        for (goal, met, missed) in [
            (Goal::AtLeastTimes(0.5), 5.0, 4.9),
            (Goal::AtMostTimes(2.0), 20.0, 20.1),
            (Goal::AtMostTimesAnd(1.1, 1.0), 12.0, 12.1),
            (Goal::AtMostAbove(3.0), 13.0, 13.1),
            (Goal::AtMost(7.0), 7.0, 7.1),
        ] {
            assert_eq!(row(met, goal).is_met(), Some(true), "{goal:?}");
            assert_eq!(row(missed, goal).is_met(), Some(false), "{goal:?}");
        }
        assert_eq!(row(1.0, Goal::None).is_met(), None);
    }

    #[test]
    fn goal_without_its_reference_is_missed() {
        let alone = Row::alone("x", "y", Unit::Seconds, 1.0, Goal::AtMostTimes(2.0));
        assert_eq!(alone.is_met(), Some(false));
    }

    #[test]
    fn numbers_are_shown_with_a_fitting_unit() {
        let shown = [
            Unit::Seconds.show(1.5),
            Unit::Seconds.show(0.0123),
            Unit::Seconds.show(0.000_25),
            Unit::Bytes.show(12_700_000.0),
            Unit::PerSecond.show(1234.5),
        ];
        assert_eq!(shown, ["1.50 s", "12.3 ms", "250 µs", "12.7 MB", "1234/s"]);
    }
}
