//! A message as an Adaptive Card, in the envelope that the "Workflows" webhooks of Microsoft Teams take (Microsoft Learn,
//! "Create incoming webhooks with Workflows for Microsoft Teams").
//!
//! Every word stands in a `TextRun` of a `RichTextBlock`: of the elements that show text, the one that reads no Markdown
//! (adaptivecards.io, schema explorer), so that an error message makes neither links nor headings, escaped or not.

use crate::message::Message;
use serde_json::{Value, json};

/// The card and its envelope.
pub(crate) fn card(message: &Message) -> Value {
    let title = run(&message.title, json!({ "size": "Medium", "weight": "Bolder" }));
    let mut body = vec![block(&[title])];
    for (name, value) in &message.facts {
        let name = run(&format!("{name}: "), json!({ "weight": "Bolder" }));
        body.push(block(&[name, run(value, json!({}))]));
    }
    body.extend(message.more.as_deref().map(|more| block(&[run(more, json!({ "isSubtle": true }))])));
    let open = |(title, url): &(&str, String)| json!({ "type": "Action.OpenUrl", "title": title, "url": url });
    let actions: Vec<Value> = message.links.iter().map(open).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": actions,
            },
        }],
    })
}

fn block(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

fn run(text: &str, mut looks: Value) -> Value {
    looks["type"] = json!("TextRun");
    looks["text"] = json!(text);
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_stand_only_where_no_markdown_is_read() {
        let hostile = "[Sign in](https://evil.example) **now** <b>";
        let message = Message {
            title: hostile.to_owned(),
            facts: vec![("Message", hostile.to_owned())],
            more: Some(hostile.to_owned()),
            links: vec![("Open the execution", "https://msp.example/o/all/executions/1".to_owned())],
        };
        let card = card(&message);
        let content = &card["attachments"][0]["content"];
        let blocks = content["body"].as_array().expect("blocks");
        assert!(blocks.iter().all(|block| block["type"] == "RichTextBlock"), "{content}");
        let runs: Vec<_> = blocks.iter().flat_map(|block| block["inlines"].as_array().expect("runs")).collect();
        assert!(runs.iter().all(|run| run["type"] == "TextRun"), "{content}");
        assert_eq!(runs.iter().filter(|run| run["text"] == hostile).count(), 3);
        assert_eq!(card.to_string().matches("evil.example").count(), 3, "and nowhere else");
    }
}
