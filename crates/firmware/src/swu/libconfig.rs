//! The libconfig syntax: settings in groups, lists and arrays, strings, numbers, booleans, three kinds of comments.
//!
//! Numbers and booleans are recognised and not kept. `@include` is refused: an image has nothing to include.

use std::collections::BTreeSet;

use crate::error::ImageError;

const DEPTH_LIMIT: usize = 32;
/// Bounds the memory a hostile text of the largest size can take once parsed.
const VALUE_LIMIT: usize = 16_384;

/// A place in the text, from 1; the column counts bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// `name = value`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) value: Value,
    /// Where its name begins.
    pub(super) at: Position,
}

/// What a setting is set to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Group(Vec<Setting>),
    /// A list `( )` or an array `[ ]`.
    List(Vec<Self>),
    Text(String),
    /// A number or a boolean.
    Plain,
}

/// Reads the settings of a whole text.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Setting>, ImageError> {
    Parser {
        text,
        at: 0,
        line: 1,
        line_start: 0,
        values: 0,
    }
    .settings(None, 0)
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// The error that says what is wrong here.
    pub(super) fn refuse(self, reason: &str) -> ImageError {
        ImageError::Description {
            line: self.line,
            column: self.column,
            reason: reason.to_owned(),
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
    line_start: usize,
    values: usize,
}

impl Parser<'_> {
    /// Settings up to the closing brace, or up to the end of the text where there is none.
    fn settings(&mut self, closing: Option<u8>, depth: usize) -> Result<Vec<Setting>, ImageError> {
        let mut settings = Vec::new();
        let mut names = BTreeSet::new();
        loop {
            self.skip_blanks()?;
            if self.peek() == closing {
                self.bump();
                return Ok(settings);
            }
            if self.peek().is_none() {
                return Err(self.position().refuse("a group is not closed with \"}\""));
            }
            let setting = self.setting(depth)?;
            if !names.insert(setting.name.clone()) {
                return Err(setting
                    .at
                    .refuse(&format!("\"{}\" is set twice in one group", setting.name)));
            }
            settings.push(setting);
        }
    }

    fn setting(&mut self, depth: usize) -> Result<Setting, ImageError> {
        let at = self.position();
        let name = self.name()?;
        self.skip_blanks()?;
        if !matches!(self.peek(), Some(b'=' | b':')) {
            return Err(self.unexpected(&format!("\"=\" or \":\" after \"{name}\"")));
        }
        self.bump();
        let value = self.value(depth)?;
        self.skip_blanks()?;
        if matches!(self.peek(), Some(b';' | b',')) {
            self.bump();
        }
        Ok(Setting { name, value, at })
    }

    fn name(&mut self) -> Result<String, ImageError> {
        if self.peek() == Some(b'@') {
            return Err(self
                .position()
                .refuse("\"@include\" is not possible inside an image"));
        }
        if !self
            .peek()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'*')
        {
            return Err(self.unexpected("the name of a setting"));
        }
        Ok(self.word(|byte| byte.is_ascii_alphanumeric() || b"*-_".contains(&byte)))
    }

    fn value(&mut self, depth: usize) -> Result<Value, ImageError> {
        self.skip_blanks()?;
        self.values += 1;
        if self.values > VALUE_LIMIT {
            return Err(self
                .position()
                .refuse(&format!("there are more than {VALUE_LIMIT} values")));
        }
        match self.peek() {
            Some(b'{' | b'(' | b'[') if depth == DEPTH_LIMIT => Err(self.position().refuse(
                &format!("groups and lists are nested more than {DEPTH_LIMIT} deep"),
            )),
            Some(b'{') => {
                self.bump();
                self.settings(Some(b'}'), depth + 1).map(Value::Group)
            }
            Some(b'(') => self.elements(b')', depth + 1),
            Some(b'[') => self.elements(b']', depth + 1),
            Some(b'"') => self.strings(),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'A'..=b'Z' | b'a'..=b'z') => self.plain(),
            Some(_) | None => Err(self.unexpected("a value")),
        }
    }

    fn elements(&mut self, closing: u8, depth: usize) -> Result<Value, ImageError> {
        self.bump();
        let mut elements = Vec::new();
        loop {
            self.skip_blanks()?;
            if self.peek() == Some(closing) {
                self.bump();
                return Ok(Value::List(elements));
            }
            elements.push(self.value(depth)?);
            self.skip_blanks()?;
            if self.peek() == Some(b',') {
                self.bump();
            } else if self.peek() != Some(closing) {
                return Err(self.unexpected(&format!("\",\" or \"{}\"", char::from(closing))));
            }
        }
    }

    /// One string, or several side by side, which are one.
    fn strings(&mut self) -> Result<Value, ImageError> {
        let at = self.position();
        let mut bytes = Vec::new();
        while self.peek() == Some(b'"') {
            self.string(&mut bytes)?;
            self.skip_blanks()?;
        }
        String::from_utf8(bytes)
            .map(Value::Text)
            .map_err(|_| at.refuse("the string is not UTF-8"))
    }

    fn string(&mut self, bytes: &mut Vec<u8>) -> Result<(), ImageError> {
        let at = self.position();
        self.bump();
        loop {
            match self.bump() {
                None => return Err(at.refuse("the string is not closed with a double quote")),
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape(bytes),
                Some(byte) => bytes.push(byte),
            }
        }
    }

    /// What follows a backslash. One that begins no known escape stands for itself, as in a regular expression.
    fn escape(&mut self, bytes: &mut Vec<u8>) {
        let escaped = match self.peek() {
            Some(same @ (b'"' | b'\\')) => same,
            Some(b'a') => 0x07,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(b'x') if self.hex_byte().is_some() => {
                bytes.extend(self.hex_byte());
                self.at += 3;
                return;
            }
            Some(_) | None => return bytes.push(b'\\'),
        };
        self.bump();
        bytes.push(escaped);
    }

    /// The byte written as two hexadecimal digits after the `x` here.
    fn hex_byte(&self) -> Option<u8> {
        let mut byte = [0];
        hex::decode_to_slice(self.text.get(self.at + 1..self.at + 3)?, &mut byte).ok()?;
        Some(byte[0])
    }

    fn plain(&mut self) -> Result<Value, ImageError> {
        let at = self.position();
        let mut before = 0;
        let word = self.word(|byte| {
            let signed = matches!(before, 0 | b'e' | b'E') && matches!(byte, b'+' | b'-');
            before = byte;
            byte.is_ascii_alphanumeric() || byte == b'.' || signed
        });
        if is_boolean(&word) || is_integer(&word) || is_float(&word) {
            return Ok(Value::Plain);
        }
        Err(at.refuse(&format!(
            "\"{word}\" is no number, boolean or string; strings need double quotes"
        )))
    }

    fn word(&mut self, mut belongs: impl FnMut(u8) -> bool) -> String {
        let mut word = String::new();
        while let Some(byte) = self.peek()
            && belongs(byte)
        {
            word.push(char::from(byte));
            self.bump();
        }
        word
    }

    fn skip_blanks(&mut self) -> Result<(), ImageError> {
        loop {
            let rest = &self.text[self.at..];
            if rest.starts_with(b"/*") {
                self.skip_comment()?;
            } else if rest.starts_with(b"#") || rest.starts_with(b"//") {
                while !matches!(self.bump(), None | Some(b'\n')) {}
            } else if matches!(
                self.peek(),
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
            ) {
                self.bump();
            } else {
                return Ok(());
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), ImageError> {
        let at = self.position();
        self.at += 2;
        while !self.text[self.at..].starts_with(b"*/") {
            if self.bump().is_none() {
                return Err(at.refuse("the comment is not closed with \"*/\""));
            }
        }
        self.at += 2;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        Some(byte)
    }

    fn position(&self) -> Position {
        // The text is at most 1 MiB.
        Position {
            line: self.line,
            column: (self.at - self.line_start + 1) as u32,
        }
    }

    fn unexpected(&self, expected: &str) -> ImageError {
        let found = match self.peek() {
            Some(byte) => format!("\"{}\"", byte.escape_ascii()),
            None => "the end".to_owned(),
        };
        self.position()
            .refuse(&format!("expected {expected}, found {found}"))
    }
}

fn is_boolean(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}

fn is_integer(word: &str) -> bool {
    let digits = word
        .strip_suffix("LL")
        .or_else(|| word.strip_suffix('L'))
        .unwrap_or(word);
    let prefixed = |prefixes: [&str; 2], radix| {
        let rest = prefixes
            .iter()
            .find_map(|prefix| digits.strip_prefix(prefix));
        rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix)))
    };
    prefixed(["0x", "0X"], 16)
        || prefixed(["0b", "0B"], 2)
        || prefixed(["0o", "0O"], 8)
        || digits.parse::<i64>().is_ok()
}

/// Only what has a point or an exponent; words such as `inf` and `nan` are none.
fn is_float(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && word.contains(['.', 'e', 'E'])
        && word.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests;
