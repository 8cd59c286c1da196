//! The header of a cast: what its fields must be.

use super::finding::FindingKind;
use crate::cast::json::{Fault, Object};

/// Columns and rows.
pub(crate) type Size = (u32, u32);

/// What was found out about a header.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderCheck {
    /// The version, when it is one that exists.
    pub(crate) version: Option<u8>,
    /// The terminal's size, as far as it is one.
    pub(crate) size: Option<Size>,
    /// What is wrong, with offsets into the text.
    pub(crate) findings: Vec<(FindingKind, usize)>,
}

/// The kind that stands for a fault inside a string; `None` when the fault is
/// one of grammar.
pub(in crate::cast) fn string_fault(fault: Fault) -> Option<FindingKind> {
    match fault {
        Fault::BadEscape => Some(FindingKind::BadEscape),
        Fault::Control => Some(FindingKind::Control),
        Fault::NotUtf8 => Some(FindingKind::NotUtf8),
        Fault::LoneSurrogate => Some(FindingKind::LoneSurrogate),
        _ => None,
    }
}

/// Checks the fields of a header, read from `text` as `object`. Faults of
/// grammar are the caller's to judge.
pub(crate) fn check(text: &[u8], object: &Object) -> HeaderCheck {
    let mut check = Check {
        text,
        out: HeaderCheck::default(),
    };
    check.string_faults(object, 0);
    check.version(object);
    match check.out.version {
        Some(3) => check.v3(object),
        Some(version) => check.v1_or_v2(object, version),
        None => {}
    }
    check.out.findings.sort_by_key(|(_, at)| *at);
    check.out
}

struct Check<'a> {
    text: &'a [u8],
    out: HeaderCheck,
}

impl Check<'_> {
    fn note(&mut self, kind: FindingKind, at: usize) {
        self.out.findings.push((kind, at));
    }

    fn string_faults(&mut self, object: &Object, base: usize) {
        for (fault, at) in &object.faults {
            if *fault == Fault::NotANumber {
                self.note(FindingKind::HeaderNotANumber, base + at);
            } else if let Some(kind) = string_fault(*fault) {
                self.note(kind, base + at);
            }
        }
    }

    fn version(&mut self, object: &Object) {
        let Some(member) = object.members.iter().find(|m| m.key == "version") else {
            return self.note(FindingKind::VersionUnknown, 0);
        };
        let value = &self.text[member.value.clone()];
        if let Ok(version @ 1..=3) = serde_json::from_slice::<u8>(value) {
            self.out.version = Some(version);
            return;
        }
        match serde_json::from_slice::<f64>(value) {
            Ok(version) if [1.0, 2.0, 3.0].contains(&version) => {
                self.out.version = Some(version as u8);
                self.note(FindingKind::VersionType, member.value.start);
            }
            _ => self.note(FindingKind::VersionUnknown, member.value.start),
        }
    }

    fn v1_or_v2(&mut self, object: &Object, version: u8) {
        let width = self.dimension(
            object,
            "width",
            0,
            object.members.first().map_or(0, |m| m.at),
        );
        let height = self.dimension(object, "height", 0, 0);
        self.out.size = width.zip(height);
        self.server_size();
        let mut known = vec!["version", "width", "height", "command", "title", "env"];
        if version == 1 {
            known.push("stdout");
        } else {
            known.extend(["timestamp", "idle_time_limit", "theme"]);
            self.field::<u64>(object, "timestamp");
            self.field::<f64>(object, "idle_time_limit");
        }
        self.field::<String>(object, "command");
        self.field::<String>(object, "title");
        self.env(object, true);
        if version == 2 {
            self.theme(object, 0);
        }
        self.duplicates(object, &known, 0);
    }

    fn v3(&mut self, object: &Object) {
        let known = [
            "version",
            "term",
            "timestamp",
            "idle_time_limit",
            "command",
            "title",
            "env",
        ];
        self.field::<u64>(object, "timestamp");
        self.field::<f64>(object, "idle_time_limit");
        self.field::<String>(object, "command");
        self.field::<String>(object, "title");
        self.env(object, false);
        self.duplicates(object, &known, 0);
        let Some(member) = object.members.iter().find(|m| m.key == "term") else {
            return self.note(FindingKind::TermMissing, 0);
        };
        let base = member.value.start;
        let term = &self.text[member.value.clone()];
        if !term.starts_with(b"{") {
            return self.note(FindingKind::TermMissing, base);
        }
        let term = Object::read(term);
        let cols = self.dimension(&term, "cols", base, base);
        let rows = self.dimension(&term, "rows", base, base);
        self.out.size = cols.zip(rows);
        self.server_size();
        self.field_at::<String>(&term, "type", base);
        self.field_at::<String>(&term, "version", base);
        self.theme(&term, base);
        self.duplicates(&term, &["cols", "rows", "type", "version", "theme"], base);
    }

    fn server_size(&mut self) {
        if let Some((cols, rows)) = self.out.size
            && (cols > 720 || rows > 200)
        {
            self.note(FindingKind::SizeServer, 0);
        }
    }

    /// A width or height: `base` is where the object stands in the text,
    /// `place` where to say that it is missing.
    fn dimension(&mut self, object: &Object, key: &str, base: usize, place: usize) -> Option<u32> {
        let Some(member) = object.members.iter().find(|m| m.key == key) else {
            self.note(FindingKind::SizeMissing, place);
            return None;
        };
        let at = base + member.value.start;
        let value = &self.text[at..base + member.value.end];
        match serde_json::from_slice::<u16>(value) {
            Ok(0) => self.note(FindingKind::SizeZero, at),
            Ok(_) => {}
            Err(_) => {
                self.note(FindingKind::SizeType, at);
                return None;
            }
        }
        serde_json::from_slice(value).ok()
    }

    fn field<T: serde::de::DeserializeOwned>(&mut self, object: &Object, key: &str) {
        self.field_at::<T>(object, key, 0);
    }

    /// A field that may be missing or null.
    fn field_at<T: serde::de::DeserializeOwned>(
        &mut self,
        object: &Object,
        key: &str,
        base: usize,
    ) {
        let Some(member) = object.members.iter().find(|m| m.key == key) else {
            return;
        };
        let at = base + member.value.start;
        let value = &self.text[at..base + member.value.end];
        // A fault inside the string has been told already.
        let told = object
            .faults
            .iter()
            .any(|(_, at)| member.value.contains(at));
        if !told && serde_json::from_slice::<Option<T>>(value).is_err() {
            self.note(FindingKind::FieldType, at);
        }
    }

    fn env(&mut self, object: &Object, null_values: bool) {
        let Some(member) = object.members.iter().find(|m| m.key == "env") else {
            return;
        };
        let base = member.value.start;
        let env = &self.text[member.value.clone()];
        if env == b"null" {
            return;
        }
        if !env.starts_with(b"{") {
            return self.note(FindingKind::FieldType, base);
        }
        for variable in Object::read(env).members {
            let value = &env[variable.value.clone()];
            let good = value.starts_with(b"\"") || null_values && value == b"null";
            if !good {
                self.note(FindingKind::FieldType, base + variable.value.start);
            }
            let tame = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
            if variable.key.is_empty() || !variable.key.bytes().all(tame) {
                self.note(FindingKind::EnvServer, base + variable.at);
            }
        }
    }

    fn theme(&mut self, object: &Object, base: usize) {
        let Some(member) = object.members.iter().find(|m| m.key == "theme") else {
            return;
        };
        let at = base + member.value.start;
        let theme = &self.text[at..base + member.value.end];
        if theme == b"null" {
            return;
        }
        let parts = Object::read(theme);
        // Readers borrow these strings, so an escape in one is refused too.
        let text = |key: &str| {
            let value = parts.get(theme, key)?;
            let value = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
            std::str::from_utf8(value)
                .ok()
                .filter(|text| !text.contains('\\'))
        };
        let colour = |text: &str| {
            text.len() == 7 && text.is_ascii() && {
                let hex = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).is_ok();
                hex(1) && hex(3) && hex(5)
            }
        };
        let tame = |text: &str| {
            text.strip_prefix('#')
                .is_some_and(|hex| hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
        };
        let (Some(fg), Some(bg), Some(palette)) = (text("fg"), text("bg"), text("palette")) else {
            return self.note(FindingKind::ThemeInvalid, at);
        };
        let colours = palette.split(':').filter(|part| colour(part)).count();
        if !colour(fg) || !colour(bg) || ![8, 16].contains(&colours) {
            self.note(FindingKind::ThemeInvalid, at);
        } else if ![fg, bg].into_iter().chain(palette.split(':')).all(tame) {
            self.note(FindingKind::ThemeServer, at);
        }
        self.duplicates(&parts, &["fg", "bg", "palette"], at);
    }

    fn duplicates(&mut self, object: &Object, known: &[&str], base: usize) {
        for key in known {
            for again in object.members.iter().filter(|m| m.key == *key).skip(1) {
                self.note(FindingKind::DuplicateKey, base + again.at);
            }
        }
    }
}
