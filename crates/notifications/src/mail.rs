//! E-mail over SMTP: encrypted from the start (`smtps`) or after STARTTLS, which is required (`smtp`), unless the mail server
//! is on this machine.

use crate::{Failure, message::Message};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
    transport::smtp::{Error, authentication::Credentials, client::Tls, client::TlsParameters},
};
use msp_storage::SecretValue;
use percent_encoding::percent_decode_str;
use std::{fmt, str::FromStr, time::Duration};
use url::{Host, Url};
use uuid::Uuid;

/// Longest wait for one answer of the mail server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time for one mail in all, so a server that drips cannot hold a rule, nor whoever tests one.
const MAIL_TIMEOUT: Duration = Duration::from_secs(25);
/// Longest line of a mail server's own words that is quoted.
const MAX_QUOTE_CHARS: usize = 200;

/// Where mail is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    host: String,
    port: u16,
    user: Option<String>,
    protection: Protection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// STARTTLS, without which nothing is said.
    Required,
    /// None: the server is on this machine.
    Loopback,
}

impl MailServer {
    /// Whether it wants to know who sends.
    pub fn signs_in(&self) -> bool {
        self.user.is_some()
    }
}

impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for MailServer {
    type Err = String;

    /// Reads `smtp://user@host:587` or `smtps://user@host:465`; the ports are these unless others are named. What is
    /// wrong with it is said without repeating it: it may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let fault =
            || "must be an address such as smtp://user@mail.example.com:587 or smtps://mail.example.com".to_owned();
        let url = Url::parse(text).map_err(|_| fault())?;
        if url.password().is_some() {
            return Err(
                "must not hold a password; write it into a file and name that in MSP_SMTP_PASSWORD_FILE".to_owned()
            );
        }
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| bare && !host.is_empty()).ok_or_else(fault)?;
        // The parser knows hosts of `smtp` only as texts.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let (port, protection) = match url.scheme() {
            "smtps" => (465, Protection::Implicit),
            "smtp" if is_loopback(host) => (587, Protection::Loopback),
            "smtp" => (587, Protection::Required),
            _ => return Err(fault()),
        };
        let user = percent_decode_str(url.username()).decode_utf8().map_err(|_| fault())?;
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(port),
            user: Some(user.into_owned()).filter(|user| !user.is_empty()),
            protection,
        })
    }
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(ip)) => ip.is_loopback(),
        Ok(Host::Ipv6(ip)) => ip.is_loopback(),
        Err(_) => host.parse::<std::net::Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()),
    }
}

/// Who mail comes from: `msp@example.com` or `MSP <msp@example.com>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl FromStr for Sender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| "must be an e-mail address, such as msp@example.com or MSP <msp@example.com>".to_owned())
    }
}

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Where it is handed over.
    pub server: MailServer,
    /// What proves who hands it over, if the server asks.
    pub password: Option<SecretValue>,
    /// Who it comes from.
    pub from: Sender,
}

/// Mail cannot be sent on this machine.
#[derive(Debug, thiserror::Error)]
#[error("mail cannot be sent to {server}: {cause}")]
pub struct MailFault {
    server: String,
    cause: Error,
}

/// Sends mail.
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    server: String,
}

impl Mailer {
    pub(crate) fn new(settings: &MailSettings) -> Result<Self, MailFault> {
        let MailServer { host, port, user, protection } = &settings.server;
        let parameters = || {
            TlsParameters::new(host.clone()).map_err(|cause| MailFault { server: settings.server.to_string(), cause })
        };
        let tls = match protection {
            Protection::Implicit => Tls::Wrapper(parameters()?),
            Protection::Required => Tls::Required(parameters()?),
            Protection::Loopback => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str())
            .port(*port)
            .tls(tls)
            .timeout(Some(ANSWER_TIMEOUT));
        if let Some(user) = user {
            let password = settings.password.as_ref().map_or("", SecretValue::reveal);
            builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
        }
        Ok(Self { transport: builder.build(), from: settings.from.0.clone(), server: settings.server.to_string() })
    }

    pub(crate) async fn send(&self, message: &Message, recipients: &[String]) -> Result<(), Failure> {
        let mail = self.mail(message, recipients)?;
        match tokio::time::timeout(MAIL_TIMEOUT, self.transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(_) => Err(Failure::new(format!("The mail server {} did not take the mail in time.", self.server))),
        }
    }

    fn mail(&self, message: &Message, recipients: &[String]) -> Result<Mail, Failure> {
        let unusable =
            |what: &str| Failure::new(format!("{what} is no address that mail can be sent to. Change the rule."));
        let mut builder = Mail::builder()
            .from(self.from.clone())
            .subject(message.title.as_str())
            .message_id(Some(format!("<{}@{}>", Uuid::new_v4(), self.from.email.domain())))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            // RFC 3834: nobody's absence note shall answer it.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        for (index, recipient) in recipients.iter().enumerate() {
            let address: Address =
                recipient.parse().map_err(|_| unusable(&format!("The recipient with number {}", index + 1)))?;
            builder = builder.to(Mailbox::new(None, address));
        }
        builder.body(text(message)).map_err(|_| unusable("One of the recipients"))
    }

    fn refused(&self, error: &Error) -> Failure {
        let server = &self.server;
        let advice = match error.status() {
            Some(code) => {
                let said: String = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
                let said: String = said.chars().filter(|c| !c.is_control()).take(MAX_QUOTE_CHARS).collect();
                format!("It answered {code}: {said}")
            }
            None if error.is_tls() => "A protected connection did not come about: is the right port named?".to_owned(),
            None if error.is_timeout() => "It gave no answer in time.".to_owned(),
            None if error.is_client() => "It offers no protected connection, or no way to sign in.".to_owned(),
            None => "It cannot be reached.".to_owned(),
        };
        Failure::new(format!("The mail server {server} did not take the mail. {advice}"))
    }
}

/// A message as plain text.
fn text(message: &Message) -> String {
    let mut lines = vec![message.title.clone(), String::new()];
    lines.extend(message.facts.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend(message.more.iter().flat_map(|more| [String::new(), more.clone()]));
    lines.extend(message.links.iter().flat_map(|(name, url)| [String::new(), format!("{name}:"), url.clone()]));
    lines.push(String::new());
    lines.join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    #[test]
    fn only_a_mail_server_on_this_machine_is_spoken_to_in_the_clear() {
        for (text, protection) in [
            ("smtp://mail.example.com", Protection::Required),
            ("smtp://192.0.2.7:2525", Protection::Required),
            ("smtp://localhost.example.com", Protection::Required),
            ("smtps://localhost", Protection::Implicit),
            ("smtp://localhost:25", Protection::Loopback),
            ("smtp://127.0.0.1:2525", Protection::Loopback),
            ("smtp://[::1]:2525", Protection::Loopback),
        ] {
            assert_eq!(text.parse::<MailServer>().map(|server| server.protection), Ok(protection), "{text}");
        }
        let server: MailServer = "smtp://robot%40example.com@mail.example.com".parse().expect("a server");
        assert_eq!((server.user.as_deref(), server.port), (Some("robot@example.com"), 587));
    }

    #[test]
    fn an_address_of_a_mail_server_that_cannot_be_meant_is_refused_without_being_repeated() {
        for text in [
            "canary",
            "https://canary",
            "smtp://",
            "smtp://canary/path",
            "smtp://a:canary@mail.example.com",
            "smtp://canary?x",
        ] {
            let fault = text.parse::<MailServer>().expect_err(text);
            assert!(!fault.contains("canary"), "{fault}");
        }
        assert!("nobody".parse::<Sender>().is_err());
        assert!("a@b.example\r\nBcc: c@d.example".parse::<Sender>().is_err());
    }

    #[tokio::test]
    async fn where_no_protection_is_offered_neither_password_nor_mail_is_handed_over() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a caller");
            let mut stream = BufReader::new(stream);
            stream.write_all(b"220 a mail server\r\n").await.expect("it listens");
            let mut heard = String::new();
            while stream.read_line(&mut heard).await.is_ok_and(|read| read > 0) {
                // Signing in is offered, protection is not.
                let _ = stream.write_all(b"250-here\r\n250 AUTH PLAIN LOGIN\r\n").await;
            }
            heard
        });
        let server = MailServer {
            host: "127.0.0.1".to_owned(),
            port,
            user: Some("robot".to_owned()),
            protection: Protection::Required,
        };
        let from = "msp@example.com".parse().expect("a sender");
        let settings = MailSettings { server, password: Some(SecretValue::new("canary")), from };
        let mailer = Mailer::new(&settings).expect("a mailer");
        let message = Message { title: "a title".to_owned(), facts: Vec::new(), more: None, links: Vec::new() };
        let failure = mailer.send(&message, &["ada@example.com".to_owned()]).await.expect_err("no protection");
        assert!(failure.message.contains("protected connection"), "{failure}");
        let heard = heard.await.expect("no panic");
        assert!(!heard.contains("AUTH") && !heard.contains("MAIL") && heard.starts_with("EHLO"), "{heard}");
    }

    #[test]
    fn words_of_others_stay_in_the_subject_and_the_text() {
        let settings = MailSettings {
            server: "smtp://localhost".parse().expect("a server"),
            password: None,
            from: "MSP <msp@example.com>".parse().expect("a sender"),
        };
        let mailer = Mailer::new(&settings).expect("a mailer");
        let message = Message {
            title: "onboard failed for Größe\r\nBcc: evil@example.com".to_owned(),
            facts: vec![("Message", "a\r\n.\r\nMAIL FROM:<evil@example.com>".to_owned())],
            more: None,
            links: Vec::new(),
        };
        let mail = mailer.mail(&message, &["ada@example.com".to_owned()]).expect("a mail");
        assert_eq!(mail.envelope().to(), ["ada@example.com".parse::<Address>().expect("an address")]);
        let text = String::from_utf8(mail.formatted()).expect("text");
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
        for line in ["Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Message-ID: <", "@example.com>"] {
            assert!(head.contains(line), "{line}: {head}");
        }
        assert!(mailer.mail(&message, &["ada@example.com\r\nRCPT TO:<x@y.z>".to_owned()]).is_err());
    }
}
