//! An answer to why something is as it is, as people read it.

use fleetward_server::api::types::WhyView;

use crate::page::Page;

/// Writes an answer below what it is about.
pub(crate) fn write(page: &mut Page, about: (&str, &str), why: &WhyView) {
    let wave = why.wave.map(|wave| wave.to_string());
    let mut fields = vec![(about.0, about.1.to_owned())];
    let execution = why.execution_id.clone().unwrap_or_default();
    if execution != about.1 {
        fields.push(("Execution", execution));
    }
    fields.extend([
        ("Wave", wave.unwrap_or_default()),
        ("Why", why.text.clone()),
        ("What helps", why.remedy.clone().unwrap_or_default()),
    ]);
    page.fields(&fields);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::write;
    use crate::page::{Page, Style};

    #[test]
    fn an_answer_is_told_with_what_helps() {
        let text = |about, more: serde_json::Value| {
            let mut why = json!({"answer": "held", "text": "a freeze is in force", "details": {}});
            for (name, value) in more.as_object().unwrap() {
                why[name] = value.clone();
            }
            let mut page = Page::new(Style { color: false });
            write(&mut page, about, &serde_json::from_value(why).unwrap());
            page.text().to_owned()
        };
        let execution = text(("Execution", "exec_1"), json!({"execution_id": "exec_1"}));
        assert_eq!(
            execution,
            "Execution  exec_1\nWhy        a freeze is in force\n"
        );
        let more = json!({"execution_id": "exec_1", "wave": 2, "remedy": "lift it"});
        let device = text(("Device", "d-1"), more);
        let lines: Vec<&str> = device.lines().collect();
        let expected = [
            "Device      d-1",
            "Execution   exec_1",
            "Wave        2",
            "Why         a freeze is in force",
            "What helps  lift it",
        ];
        assert_eq!(lines, expected);
    }
}
