//! Reading the query parameters of `GET /tasks`, with refusals in Meilisearch's words.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::TaskQuery;
use crate::error::{ErrorCode, InvalidRequest};
use crate::word::{Word, parse_any_case};
use crate::{IndexUid, TaskUid, Timestamp, wording};

/// Every parameter of the route, in the order in which a refusal lists them.
const PARAMETERS: &[&str] = &[
    "limit",
    "from",
    "reverse",
    "batchUids",
    "uids",
    "canceledBy",
    "types",
    "statuses",
    "indexUids",
    "afterEnqueuedAt",
    "beforeEnqueuedAt",
    "afterStartedAt",
    "beforeStartedAt",
    "afterFinishedAt",
    "beforeFinishedAt",
];

impl TaskQuery {
    /// Reads the decoded query parameters of `GET /tasks`, in order. Lists are comma separated, `*` means
    /// unset, types and statuses ignore case, and a date-only `after…` starts with the next day. Of a
    /// repeated parameter the last value counts. An unknown parameter or an invalid value is refused with
    /// Meilisearch's code and words.
    pub fn parse<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidRequest> {
        let mut given: Vec<(&str, &str)> = Vec::new();
        for (name, value) in parameters {
            if !PARAMETERS.contains(&name) {
                // Faults before an unknown parameter are refused first, so reading stops here.
                return Self::from_distinct(&given).and_then(|_| Err(unknown(name)));
            }
            match given.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => given.push((name, value)),
            }
        }
        Self::from_distinct(&given)
    }

    fn from_distinct(parameters: &[(&str, &str)]) -> Result<Self, InvalidRequest> {
        let mut query = Self::default();
        for (name, value) in parameters {
            query.read(Parameter { name, value })?;
        }
        Ok(query)
    }

    fn read(&mut self, given: Parameter<'_>) -> Result<(), InvalidRequest> {
        match given.name {
            "limit" => self.limit = given.single(ErrorCode::InvalidTaskLimit, positive_integer)?,
            "from" => self.from = Some(given.single(ErrorCode::InvalidTaskFrom, task_uid)?),
            "reverse" => self.reverse = given.single(ErrorCode::InvalidTaskReverse, boolean)?,
            "batchUids" => self.batch_uids = given.list(ErrorCode::InvalidBatchUids, task_uid)?,
            "uids" => self.uids = given.list(ErrorCode::InvalidTaskUids, task_uid)?,
            "canceledBy" => self.canceled_by = given.list(ErrorCode::InvalidTaskCanceledBy, task_uid)?,
            "types" => self.kinds = given.list(ErrorCode::InvalidTaskTypes, word)?,
            "statuses" => self.statuses = given.list(ErrorCode::InvalidTaskStatuses, word)?,
            "indexUids" => self.index_uids = given.list(ErrorCode::InvalidIndexUid, index_uid)?,
            "afterEnqueuedAt" => {
                self.enqueued.after = given.date(ErrorCode::InvalidTaskAfterEnqueuedAt, after)?;
            }
            "beforeEnqueuedAt" => {
                self.enqueued.before = given.date(ErrorCode::InvalidTaskBeforeEnqueuedAt, before)?;
            }
            "afterStartedAt" => {
                self.started.after = given.date(ErrorCode::InvalidTaskAfterStartedAt, after)?;
            }
            "beforeStartedAt" => {
                self.started.before = given.date(ErrorCode::InvalidTaskBeforeStartedAt, before)?;
            }
            "afterFinishedAt" => {
                self.finished.after = given.date(ErrorCode::InvalidTaskAfterFinishedAt, after)?;
            }
            "beforeFinishedAt" => {
                self.finished.before = given.date(ErrorCode::InvalidTaskBeforeFinishedAt, before)?;
            }
            unlisted => return Err(unknown(unlisted)),
        }
        Ok(())
    }
}

fn unknown(name: &str) -> InvalidRequest {
    InvalidRequest::new(ErrorCode::BadRequest, wording::unknown("parameter", name, PARAMETERS))
}

/// One parameter. The functions given to its methods return the fault as the end of a sentence.
#[derive(Clone, Copy)]
struct Parameter<'a> {
    name: &'a str,
    value: &'a str,
}

impl Parameter<'_> {
    fn single<T>(
        self,
        code: ErrorCode,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, InvalidRequest> {
        read(self.value).map_err(|wrong| self.refused(code, None, &wrong))
    }

    /// Reads a comma separated list. `*` among its items unsets the filter, but the other items are still
    /// checked. An empty list is a filter that no task passes.
    fn list<T: Ord>(
        self,
        code: ErrorCode,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<BTreeSet<T>>, InvalidRequest> {
        let items: Vec<&str> = self.value.split(',').filter(|item| !item.is_empty()).collect();
        let mut wanted = BTreeSet::new();
        for (position, item) in items.iter().enumerate() {
            if *item == "*" {
                continue;
            }
            let position = (items.len() > 1).then_some(position);
            wanted.insert(read(item).map_err(|wrong| self.refused(code, position, &wrong))?);
        }
        Ok((!items.contains(&"*")).then_some(wanted))
    }

    fn date(
        self,
        code: ErrorCode,
        of_day: fn(Date) -> Timestamp,
    ) -> Result<Option<Timestamp>, InvalidRequest> {
        if self.value == "*" {
            return Ok(None);
        }
        self.single(code, |text| date(text, of_day)).map(Some)
    }

    fn refused(self, code: ErrorCode, position: Option<usize>, wrong: &str) -> InvalidRequest {
        let name = self.name;
        let place = position.map_or_else(String::new, |position| format!("[{position}]"));
        InvalidRequest::new(code, format!("Invalid value in parameter `{name}{place}`: {wrong}"))
    }
}

fn shown(text: &str) -> String {
    wording::excerpt(text, wording::VALUE_CHARS)
}

fn positive_integer(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("could not parse `{}` as a positive integer", shown(text)))
}

fn task_uid(text: &str) -> Result<TaskUid, String> {
    positive_integer(text).map(TaskUid)
}

fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| {
        format!("could not parse `{}` as a boolean, expected either `true` or `false`", shown(text))
    })
}

fn word<T: Word>(text: &str) -> Result<T, String> {
    parse_any_case(text).map_err(|unknown| unknown.to_string())
}

/// Reads an index uid. The 512 bytes are Meilisearch's words; it accepts 400, as Miroir does.
fn index_uid(text: &str) -> Result<IndexUid, String> {
    text.parse().map_err(|_| {
        format!(
            "`{}` is not a valid index uid. Index uid can be an integer or a string containing only \
             alphanumeric characters, hyphens (-) and underscores (_), and can not be more than 512 bytes.",
            shown(text)
        )
    })
}

fn date(text: &str, of_day: fn(Date) -> Timestamp) -> Result<Timestamp, String> {
    instant(text).or_else(|| day(text).map(of_day)).ok_or_else(|| {
        format!(
            "`{}` is an invalid date-time. It should follow the YYYY-MM-DD or RFC 3339 date-time format.",
            shown(text)
        )
    })
}

/// Returns the lower bound of a bare date: its whole day is excluded.
fn after(day: Date) -> Timestamp {
    before(day.tomorrow().unwrap_or(day))
}

/// Returns the upper bound of a bare date: the instant it begins, UTC. It is counted in days, because jiff
/// has no instant for the last day of year 9999.
fn before(day: Date) -> Timestamp {
    let since_epoch = day.duration_since(Date::constant(1970, 1, 1));
    Timestamp::from_millis(since_epoch.as_secs().saturating_mul(1_000))
}

/// Reads `YYYY-MM-DD`, with an optional sign before the year.
fn day(text: &str) -> Option<Date> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !is_shaped(unsigned, "0000-00-00") {
        return None;
    }
    let year: i16 = unsigned[..4].parse().ok()?;
    let (month, day) = (unsigned[5..7].parse().ok()?, unsigned[8..].parse().ok()?);
    Date::new(if negative { -year } else { year }, month, day).ok()
}

/// Reads an RFC 3339 instant as strictly as a server does: seconds and offset are required.
fn instant(text: &str) -> Option<Timestamp> {
    let (date, rest) = (text.get(..10)?, text.get(11..)?);
    let (clock, rest) = (rest.get(..8)?, rest.get(8..)?);
    let separator = text.get(10..11)?;
    if !is_shaped(date, "0000-00-00") || !is_shaped(clock, "00:00:00") || !"Tt _".contains(separator) {
        return None;
    }
    // Only the last second of a UTC day can be a leap second; a server refuses it elsewhere.
    if clock.ends_with("60") && clock != "23:59:60" {
        return None;
    }
    let digits =
        rest.strip_prefix('.').map_or(0, |fraction| fraction.bytes().take_while(u8::is_ascii_digit).count());
    if rest.starts_with('.') && digits == 0 {
        return None;
    }
    let (fraction, offset) = rest.split_at(if digits == 0 { 0 } else { digits + 1 });
    let is_utc = offset.eq_ignore_ascii_case("z");
    let is_offset =
        offset.starts_with(['+', '-']) && is_shaped(&offset[1..], "00:00") && &offset[1..3] < "24";
    if !is_utc && !is_offset {
        return None;
    }
    // Instants have milliseconds, so digits after the ninth need not be read.
    let fraction = &fraction[..fraction.len().min(10)];
    format!("{date}T{clock}{fraction}{offset}").parse().ok()
}

/// Returns whether `text` has digits where `shape` has zeros, and the same characters elsewhere.
fn is_shaped(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        })
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
