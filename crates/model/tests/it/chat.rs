//! Chat templates.

use std::path::Path;

use stillmark_model::chat::{ChatTemplate, Ending, Message};
use stillmark_model::{Checkpoint, Error};

use crate::checkpoint_files::default_model;

fn render(source: &str, messages: &[Message]) -> Result<String, Error> {
    ChatTemplate::new(Path::new("c.jinja"), source.into(), Some("<s>"), Some("</s>"))?
        .render(messages, Ending::Generation)
}

#[test]
fn the_default_models_template() {
    let Some(path) = default_model() else { return };
    let checkpoint = Checkpoint::open(&path).unwrap();
    let template = checkpoint.chat_template().unwrap();
    let user = [Message::new("user", "Hi <there>")];
    let system = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n";
    assert_eq!(
        template.render(&user, Ending::Generation).unwrap(),
        format!("{system}<|im_start|>user\nHi <there><|im_end|>\n<|im_start|>assistant\n")
    );
    let talk = [Message::new("system", "Be brief."), user[0].clone(), Message::new("assistant", "Hello.")];
    assert_eq!(
        template.render(&talk, Ending::Complete).unwrap(),
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <there><|im_end|>\n\
         <|im_start|>assistant\nHello.<|im_end|>\n"
    );
}

#[test]
fn what_published_templates_use() {
    let user = [Message::new("user", " \"é\" <b> ")];
    let cases = [
        ("{{ bos_token }}{{ messages[0]['content'].strip() }}{{ eos_token }}", "<s>\"é\" <b></s>"),
        ("{{- messages[0].content | trim }}{%- if add_generation_prompt %}!{% endif %}", "\"é\" <b>!"),
        (
            "{% for m in messages %}\n    {% if not loop.last %}\n{% continue %}{% endif %}\n{{ m.role }}\n{% endfor %}",
            "user\n",
        ),
        ("{{ messages[0] | tojson }}", "{\"content\": \" \\\"é\\\" <b> \", \"role\": \"user\"}"),
        ("{{ [1, none, true] | tojson(indent=1) }}", "[\n 1,\n null,\n true\n]"),
        ("{{ [] | tojson }}{{ {} | tojson }}", "[]{}"),
        (
            "{{ tools is defined }}{{ 'a,b'.split(',')[-1] }}{{ messages[0].role.startswith('us') }}",
            "falsebtrue",
        ),
        ("{% set ns = namespace(n=0) %}{% set ns.n = 2 %}{{ messages[0].role.upper() }}{{ ns.n }}", "USER2"),
    ];
    for (source, expected) in cases {
        // Python prints truths with a capital letter, as Jinja does; templates only test them.
        assert_eq!(
            render(source, &user).unwrap().replace("True", "true").replace("False", "false"),
            expected,
            "{source}"
        );
    }
}

#[test]
fn dates_are_those_that_the_caller_states() {
    let source = "{{ strftime_now('%d %b %Y') }}";
    let template = ChatTemplate::new(Path::new("c.jinja"), source.into(), None, None).unwrap();
    let told = template.render(&[], Ending::Complete).unwrap_err().to_string();
    assert!(told.contains("asks for the date, and none was given"), "{told}");
    let dated = template.clone().at("2026-11-23T10:00:00Z").unwrap();
    assert_eq!(dated.render(&[], Ending::Complete).unwrap(), "23 Nov 2026");
    assert!(template.at("yesterday").is_err());
}

#[test]
fn mistakes_are_told() {
    let cases = [
        ("{% if %}", "`c.jinja`: chat template, line 1: "),
        ("\n{{ raise_exception('roles must alternate') }}", "line 2: roles must alternate"),
        ("{{ messages[5].content }}", "undefined"),
        ("{% include 'secret' %}", "line 1: "),
    ];
    for (source, expected) in cases {
        let told = render(source, &[]).unwrap_err().to_string();
        assert!(told.contains(expected), "{source}: {told}");
    }
}

#[test]
fn a_hostile_template_ends() {
    let user = [Message::new("user", "x")];
    let endless =
        "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}";
    let doubled =
        "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}";
    let shared = "{% set n = namespace(s=[]) %}{% for i in range(60) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s | tojson }}";
    let deep = "{% set n = namespace(s=[]) %}{% for i in range(90000) %}{% set n.s = [n.s] %}{% endfor %}";
    let recursive = "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}";
    let indented = "{{ [[1]] | tojson(indent=9000000000000000000) }}";
    let repeated = "{{ 'x' * 99999999 }}";
    let padded = "{{ '%999999999d' | format(1) }}{{ 'x' | indent(999999999) }}";
    for source in [endless, doubled, shared, recursive, indented, repeated, padded] {
        let error = render(source, &user).unwrap_err().to_string();
        assert!(error.starts_with("`c.jinja`: chat template, line 1: "), "{error}");
    }
    // Built, and taken apart again without running out of stack.
    assert_eq!(render(deep, &user).unwrap(), "");
    let error = render(&format!("{deep}{{{{ n.s | tojson }}}}"), &user).unwrap_err().to_string();
    assert!(error.ends_with("values lie too deep in each other"), "{error}");
    assert!(render(&"{{ ((".repeat(100_000), &user).is_err());
}
