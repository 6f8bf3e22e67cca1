//! Server-sent events: a byte stream taken apart into events. What they say is not looked at: an event means that
//! something changed, and what is true now is then read from the API, so that a lost or doubled event does no harm.

/// The most bytes of one line that are kept.
const LONGEST_LINE: usize = 1 << 20;

/// Takes a stream apart as its pieces arrive.
#[derive(Debug, Default)]
pub(crate) struct EventStream {
    line: Vec<u8>,
    /// The line being read has more than [`LONGEST_LINE`] bytes.
    overlong: bool,
    /// A field of the event being read has come.
    open: bool,
    /// The id that the event being read will leave behind.
    next_id: Option<String>,
    last_id: Option<String>,
}

impl EventStream {
    /// Takes the next piece of the stream; returns how many events it completes.
    pub(crate) fn push(&mut self, piece: &[u8]) -> usize {
        let mut events = 0;
        for byte in piece {
            match byte {
                b'\n' => events += usize::from(self.end_line()),
                _ if self.line.len() < LONGEST_LINE => self.line.push(*byte),
                _ => self.overlong = true,
            }
        }
        events
    }

    /// The id of the last complete event that had one: where to go on after an interruption.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The stream was cut off; an event that was not complete will come again.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            last_id: self.last_id.take(),
            ..Self::default()
        };
    }

    /// Whether the line that ends here ends an event.
    fn end_line(&mut self) -> bool {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.overlong) {
            self.open = true;
            return false;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            if let Some(id) = self.next_id.take() {
                self.last_id = Some(id);
            }
            return std::mem::take(&mut self.open);
        }
        self.field(&String::from_utf8_lossy(line));
        false
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" | "event" => self.open = true,
            "id" if !value.contains('\0') => self.next_id = Some(value.to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EventStream;

    #[test]
    fn pieces_may_be_cut_anywhere() {
        let text =
            b": welcome\n\nid: 7\r\nevent: decision\r\ndata: {\"a\":1}\r\n\r\nid: 8\ndata: x\n\n";
        for cut in 0..text.len() {
            let mut stream = EventStream::default();
            let events = stream.push(&text[..cut]) + stream.push(&text[cut..]);
            assert_eq!((events, stream.last_id()), (2, Some("8")), "cut at {cut}");
        }
    }

    #[test]
    fn an_event_that_was_cut_off_leaves_no_id() {
        let mut stream = EventStream::default();
        assert_eq!(stream.push(b"id: 1\ndata: a\n\nid: 2\ndata: b\n"), 1);
        stream.reset();
        assert_eq!(stream.push(b"\n"), 0);
        assert_eq!(stream.last_id(), Some("1"));
    }

    #[test]
    fn keep_alives_are_no_events() {
        let mut stream = EventStream::default();
        assert_eq!(stream.push(b":\n\n:\n\nretry: 10\n\n"), 0);
    }
}
