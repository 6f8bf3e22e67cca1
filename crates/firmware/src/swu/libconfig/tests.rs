//! Tests of the libconfig syntax.

use proptest::prelude::*;

use super::*;

fn text(source: &str) -> String {
    let mut settings = parse(format!("a = {source}").as_bytes()).unwrap();
    match settings.remove(0).value {
        Value::Text(text) => text,
        other @ (Value::Group(_) | Value::List(_) | Value::Plain) => panic!("{other:?}"),
    }
}

fn refusal(source: &[u8]) -> String {
    parse(source).unwrap_err().to_string()
}

#[test]
fn groups_lists_arrays_and_comments() {
    let settings = parse(
        b"# one\n a: { b = (1, { c = \"x\"; }, [true, false,],); } // two\n /* three\n */ *d-e_1 = 0x1FL, f = 2.5e-3;",
    )
    .unwrap();
    let names: Vec<_> = settings
        .iter()
        .map(|setting| (setting.name.as_str(), setting.at))
        .collect();
    let at = |line, column| Position { line, column };
    assert_eq!(
        names,
        [("a", at(2, 2)), ("*d-e_1", at(4, 5)), ("f", at(4, 21))]
    );
    let Value::Group(group) = &settings[0].value else {
        panic!("{settings:?}")
    };
    let inner = Setting {
        name: "c".into(),
        value: Value::Text("x".into()),
        at: at(2, 17),
    };
    let array = Value::List(vec![Value::Plain, Value::Plain]);
    assert_eq!(
        group[0].value,
        Value::List(vec![Value::Plain, Value::Group(vec![inner]), array])
    );
}

#[test]
fn strings_with_escapes_and_neighbours() {
    assert_eq!(text(r#""""#), "");
    assert_eq!(
        text(r#""a\"b\\c\n\r\t\f\a\b\v\x41\xc3\xa9""#),
        "a\"b\\c\n\r\t\x0c\x07\x08\x0bA\u{e9}"
    );
    assert_eq!(text(r#""^rev\.\d\xg$""#), r"^rev\.\d\xg$");
    assert_eq!(
        text("\"one \" // comment\n \"two\" /* */ \" three\";"),
        "one two three"
    );
    assert_eq!(text("\"two\nlines\""), "two\nlines");
}

#[test]
fn numbers_and_booleans_are_recognised() {
    for good in [
        "0", "-7", "+7", "7L", "7LL", "0x1F", "0b101", "0o17", "1.", ".5", "-1.5E+3", "1e9",
        "TRUE", "False",
    ] {
        assert_eq!(
            parse(format!("a={good};").as_bytes()).unwrap()[0].value,
            Value::Plain,
            "{good}"
        );
    }
    for bad in [
        "yes", "1.2.3", "0x", "0b2", "1e", "-", ".", "+-1", "7LLL", "inf", "nan", "e", "1-2",
    ] {
        assert!(parse(format!("a={bad};").as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn mistakes_say_where_and_what() {
    let deep = format!("a = {}", "(".repeat(33));
    for (source, expected) in [
        (
            &b"a"[..],
            "line 1, column 2: expected \"=\" or \":\" after \"a\", found the end",
        ),
        (b"a = ", "expected a value, found the end"),
        (b"a = ;", "line 1, column 5: expected a value, found \";\""),
        (
            b"\n\n 1 = 2",
            "line 3, column 2: expected the name of a setting, found \"1\"",
        ),
        (b"a = { b = 1", "a group is not closed"),
        (b"a = 1 }", "expected the name of a setting, found \"}\""),
        (b"a = ( 1 2 )", "expected \",\" or \")\", found \"2\""),
        (b"a = [ 1 )", "expected \",\" or \"]\", found \")\""),
        (b"a = [ 1", "found the end"),
        (b"a = \"x", "line 1, column 5: the string is not closed"),
        (b"a = \"x\\", "the string is not closed"),
        (b"a = \"\xff\"", "the string is not UTF-8"),
        (b"a = \"\\xff\"", "the string is not UTF-8"),
        (b"a = yes", "\"yes\" is no number, boolean or string"),
        (
            b"a = 1; /* b",
            "line 1, column 8: the comment is not closed",
        ),
        (b"a = 1;\na = 2;", "line 2, column 1: \"a\" is set twice"),
        (b"@include \"b\"", "\"@include\" is not possible"),
        (b"\0", r#"found "\x00""#),
        (
            deep.as_bytes(),
            "line 1, column 37: groups and lists are nested more than 32 deep",
        ),
    ] {
        let message = refusal(source);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn as_deep_as_allowed_and_as_many_as_allowed() {
    let deep = format!("a = {}{}", "(".repeat(32), ")".repeat(32));
    assert!(parse(deep.as_bytes()).is_ok());
    let many = |count: usize| format!("a = ({})", "1,".repeat(count));
    assert!(parse(many(VALUE_LIMIT - 1).as_bytes()).is_ok());
    assert!(refusal(many(VALUE_LIMIT).as_bytes()).contains("more than 16384 values"));
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn any_near_miss_is_parsed_or_refused(source in r#"([a-c]|[=:;,(){}\[\]"\\#/*@.+xeL01-]|[ \n]){0,80}"#) {
        let _ = parse(source.as_bytes());
    }

    #[test]
    fn any_text_survives_quoting(content in any::<String>()) {
        let quoted = content.replace('\\', r"\\").replace('"', r#"\""#);
        prop_assert_eq!(text(&format!("\"{quoted}\"")), content);
    }
}
