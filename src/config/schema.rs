//! Makes the types of the settings from a list, and walks them by name.

/// A setting's value, as files, variables and replies have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, or the name of a [`Level`].
    Text(String),
    Flag(bool),
    Number(u64),
    /// Several texts.
    List(Vec<String>),
}

/// One setting with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its section, as `[section]` in a file.
    pub section: &'static str,
    /// Its key within the section.
    pub key: &'static str,
    /// What it is for, in one line of Markdown.
    pub purpose: String,
    /// The value at present.
    pub value: Value,
}

impl Entry {
    /// `section.key`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }
}

/// How much is logged: each level also what those before it log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    #[default]
    Info,
    Debug,
}

impl Level {
    const NAMES: [(&str, Level); 4] = [
        ("ERROR", Level::Error),
        ("WARNING", Level::Warning),
        ("INFO", Level::Info),
        ("DEBUG", Level::Debug),
    ];
}

/// A type that a setting can have.
pub(super) trait Setting: Sized {
    /// What is expected, after "expected".
    fn expected() -> String;
    /// The value as a file gives it.
    fn from_value(value: Value) -> Option<Self>;
    /// The value as an environment variable gives it.
    fn from_text(text: &str) -> Option<Self>;
    fn to_value(&self) -> Value;
}

impl Setting for String {
    fn expected() -> String {
        "a text in quotes".into()
    }

    fn from_value(value: Value) -> Option<String> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn from_text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl Setting for bool {
    fn expected() -> String {
        "true or false".into()
    }

    fn from_value(value: Value) -> Option<bool> {
        match value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    fn from_text(text: &str) -> Option<bool> {
        match text.to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        Value::Flag(*self)
    }
}

macro_rules! number {
    ($($type:ty: $expected:expr;)*) => {$(
        impl Setting for $type {
            fn expected() -> String {
                $expected.into()
            }

            fn from_value(value: Value) -> Option<$type> {
                match value {
                    Value::Number(number) => number.try_into().ok(),
                    _ => None,
                }
            }

            fn from_text(text: &str) -> Option<$type> {
                text.parse().ok()
            }

            fn to_value(&self) -> Value {
                Value::Number((*self).into())
            }
        }
    )*};
}

number! {
    u16: "a whole number from 0 to 65535";
    u64: "a whole number";
}

impl Setting for Level {
    fn expected() -> String {
        "ERROR, WARNING, INFO or DEBUG".into()
    }

    fn from_value(value: Value) -> Option<Level> {
        match value {
            Value::Text(text) => Level::from_text(&text),
            _ => None,
        }
    }

    fn from_text(text: &str) -> Option<Level> {
        let named = |(name, _): &&(&str, Level)| name.eq_ignore_ascii_case(text);
        Level::NAMES.iter().find(named).map(|(_, level)| *level)
    }

    fn to_value(&self) -> Value {
        let same = |(_, level): &&(&str, Level)| level == self;
        let name = Level::NAMES
            .iter()
            .find(same)
            .map_or("INFO", |(name, _)| *name);
        Value::Text(name.to_owned())
    }
}

/// A value as it is written down.
pub(super) enum Given {
    /// In a file; `None` for tables, dates and the like, which no setting is.
    File(Option<Value>),
    /// In an environment variable.
    Variable(String),
}

impl Given {
    pub(super) fn read<T: Setting>(self) -> Result<T, String> {
        let read = match self {
            Given::File(value) => value.and_then(T::from_value),
            Given::Variable(text) => T::from_text(&text),
        };
        read.ok_or_else(|| format!("expected {}", T::expected()))
    }
}

/// Joins the lines of a doc comment.
pub(super) fn purpose(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// Makes `Config` and a type for each section, with their defaults. Each key
/// has a check of its own: a function that gives what is wrong with a value.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $section:ident: $Section:ident {$(
            $(#[doc = $doc:literal])+
            $key:ident: $type:ty = $default:expr, $check:expr;
        )+}
    )+) => {
        /// All settings, by section.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Config {
            $(
                $(#[doc = $about])+
                pub $section: $Section,
            )+
            /// The rules of `[[auto]]`, in their order.
            pub auto: Vec<AutoRule>,
        }

        $(
            #[doc = concat!("The section `[", stringify!($section), "]`.")]
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $Section {$(
                $(#[doc = $doc])+
                pub $key: $type,
            )+}

            impl Default for $Section {
                fn default() -> $Section {
                    $Section {$($key: $default,)+}
                }
            }
        )+

        impl Config {
            /// The sections and what they are for, in order.
            pub(crate) const SECTIONS: &[(&'static str, &'static [&'static str])] =
                &[$((stringify!($section), &[$($about),+]),)+];

            /// All settings with their values, in order.
            #[must_use]
            pub fn entries(&self) -> Vec<Entry> {
                vec![$($(Entry {
                    section: stringify!($section),
                    key: stringify!($key),
                    purpose: schema::purpose(&[$($doc),+]),
                    value: schema::Setting::to_value(&self.$section.$key),
                },)+)+]
            }

            /// Sets a key, which must be one of [`Config::entries`].
            fn set(
                &mut self,
                section: &str,
                key: &str,
                given: schema::Given,
            ) -> Result<(), String> {
                match (section, key) {
                    $($((stringify!($section), stringify!($key)) => {
                        let value: $type = given.read()?;
                        ($check)(&value)?;
                        self.$section.$key = value;
                        Ok(())
                    })+)+
                    _ => Err("no such setting".into()),
                }
            }
        }
    };
}

pub(super) use settings;
