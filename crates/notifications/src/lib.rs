#![doc = include_str!("../README.md")]

mod card;
mod deliver;
mod failure;
mod mail;
mod message;

pub use failure::Failure;
pub use mail::{MailFault, MailServer, MailSettings, Sender};

use mail::Mailer;
use message::Message;
use msp_domain::{Clock, notification::Channel};
use msp_integrations::{Webhook, Webhooks};
use msp_metrics::{Counter, Registry};
use msp_storage::{Repositories, StoreError, repositories::notifications::StoredRule};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Tells people of failures: a cheap handle.
#[derive(Clone)]
pub struct Notifications(Arc<Shared>);

struct Shared {
    repositories: Repositories,
    clock: Arc<dyn Clock>,
    /// Where browsers reach this server, without a slash at the end.
    base: String,
    webhooks: Webhooks,
    mailer: Option<Mailer>,
    delivered: Counter,
    undelivered: Counter,
}

impl Notifications {
    /// Over these repositories. `base` is where browsers reach this server: what links begin with.
    ///
    /// # Errors
    /// [`MailFault`]: mail cannot be sent with these settings on this machine.
    pub fn new(
        repositories: Repositories,
        clock: Arc<dyn Clock>,
        base: &str,
        mail: Option<&MailSettings>,
    ) -> Result<Self, MailFault> {
        let webhooks = Webhooks::new(repositories.addresses.clone());
        let mailer = mail.map(Mailer::new).transpose()?;
        let base = base.trim_end_matches('/').to_owned();
        let (delivered, undelivered) = (Counter::default(), Counter::default());
        Ok(Self(Arc::new(Shared { repositories, clock, base, webhooks, mailer, delivered, undelivered })))
    }

    /// Whether messages can go by e-mail.
    pub fn sends_mail(&self) -> bool {
        self.0.mailer.is_some()
    }

    /// Registers how many messages were delivered and how many attempts failed.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Messages about failures that were delivered, test messages included";
        registry.register("notifications_delivered", help, self.0.delivered.clone());
        let help = "Attempts to deliver a message about failures that failed";
        registry.register("notifications_undelivered", help, self.0.undelivered.clone());
    }

    /// Sends a message that says it is a test, now and once, also by a rule that is switched off.
    ///
    /// # Errors
    /// [`Failure`] says why it was not delivered and what to do.
    pub async fn test(&self, stored: &StoredRule, asked_by: &str) -> Result<(), Failure> {
        let message = Message::test(stored, asked_by, &self.0.base, self.0.clock.now());
        self.0.send(stored, &message).await
    }

    /// Tells what is to be told, until it is stopped. Stopping it anywhere is harmless: what was not confirmed is told again
    /// by the next start.
    pub async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(deliver::run(self.0)).await;
    }
}

impl Shared {
    /// Sends a message by the channel of a rule, once, and counts it.
    async fn send(&self, stored: &StoredRule, message: &Message) -> Result<(), Failure> {
        let sent = self.hand_over(stored, message).await;
        let counter = if sent.is_ok() { &self.delivered } else { &self.undelivered };
        counter.inc();
        sent
    }

    async fn hand_over(&self, stored: &StoredRule, message: &Message) -> Result<(), Failure> {
        match &stored.rule.channel {
            Channel::Webhook { host } => {
                let url = self.repositories.notification_rules.url(stored).await.map_err(unreadable)?;
                let webhook = url.and_then(|url| Webhook::parse(url.reveal()).ok());
                let webhook = webhook.ok_or_else(|| Failure::new("The rule has no address to post to. Store one."))?;
                let posted = self.webhooks.post(&webhook, &card::card(message), self.clock.now()).await;
                posted.map_err(|error| failure::of_post(error, host))
            }
            Channel::Email { recipients } => match &self.mailer {
                Some(mailer) => mailer.send(message, recipients).await,
                None => Err(Failure::new(
                    "This server has no mail server to send by. Its operator sets `MSP_SMTP_URL` and `MSP_SMTP_FROM`.",
                )),
            },
        }
    }
}

fn unreadable(error: StoreError) -> Failure {
    tracing::error!(error = %error, "The address of a notification rule could not be read");
    Failure::new("The address of the rule cannot be read at the moment; the server's log says why.")
}
