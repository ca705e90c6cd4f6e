//! What is signed, and how: HMAC-SHA256 over every property of an entity, in an encoding that no two entities share.

use crate::{Entity, Property};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::sync::Arc;

/// The property that holds an entity's own code, and is not part of what is signed.
pub(super) const MAC: &str = "Mac";
/// Bytes kept of the code of an audit row: half of it, the least RFC 2104 (section 5) recommends. Blocks hold one for each row.
const ROW_MAC_BYTES: usize = 16;

/// What an entity is signed as, so that no code of one kind passes for one of another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Row,
    Block,
    Head,
    Count,
    Checkpoint,
    Anchor,
    Key,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Row => "msp/audit-row/v1",
            Self::Block => "msp/audit-block/v1",
            Self::Head => "msp/audit-head/v1",
            Self::Count => "msp/audit-count/v1",
            Self::Checkpoint => "msp/audit-checkpoint/v1",
            Self::Anchor => "msp/audit-anchor/v1",
            Self::Key => "msp/audit-key/v1",
        }
    }
}

/// The key of the chain.
#[derive(Clone)]
pub(super) struct SealKey(Arc<hmac::Key>);

impl SealKey {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// The code of an entity, as text.
    pub(super) fn mac(&self, kind: Kind, entity: &Entity) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.tag(kind, entity))
    }

    /// The code of an audit row as blocks hold it.
    pub(super) fn row_mac(&self, row: &Entity) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.tag(Kind::Row, row).as_ref()[..ROW_MAC_BYTES])
    }

    /// The entity with its code.
    pub(super) fn signed(&self, kind: Kind, entity: Entity) -> Entity {
        let mac = self.mac(kind, &entity);
        entity.with(MAC, mac)
    }

    /// Whether an entity carries the code that it must have.
    pub(super) fn fits(&self, kind: Kind, entity: &Entity) -> bool {
        let Ok(Some(mac)) = entity.text_opt(MAC) else { return false };
        // Nobody learns anything from how long this takes: whoever could measure it can read the store.
        self.mac(kind, entity) == mac
    }

    fn tag(&self, kind: Kind, entity: &Entity) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        let mut part = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        part(kind.label().as_bytes());
        part(entity.partition_key.as_bytes());
        part(entity.row_key.as_bytes());
        for (name, value) in entity.properties.iter().filter(|(name, _)| *name != MAC) {
            part(name.as_bytes());
            match value {
                Property::String(text) => typed(&mut part, b's', text.as_bytes()),
                Property::Int(number) => typed(&mut part, b'i', &number.to_be_bytes()),
                Property::Double(number) => typed(&mut part, b'd', &number.to_bits().to_be_bytes()),
                Property::Bool(truth) => typed(&mut part, b'b', &[u8::from(*truth)]),
                Property::DateTime(instant) => {
                    // Both parts: nanoseconds since 1970 would end in 2262.
                    let seconds = instant.timestamp().to_be_bytes();
                    let nanos = instant.timestamp_subsec_nanos().to_be_bytes();
                    typed(&mut part, b't', &[seconds.as_slice(), &nanos].concat());
                }
                Property::Guid(id) => typed(&mut part, b'g', id.as_bytes()),
                Property::Binary(bytes) => typed(&mut part, b'x', bytes),
            }
        }
        context.sign()
    }
}

fn typed(part: &mut impl FnMut(&[u8]), tag: u8, bytes: &[u8]) {
    part(&[tag]);
    part(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use std::collections::HashSet;

    #[test]
    fn no_two_entities_and_no_two_kinds_share_a_code() {
        let key = SealKey::new(&[7; 32]);
        let entity = || Entity::new("p", "r");
        let all = [
            entity(),
            Entity::new("pr", "r"),
            Entity::new("p", "rr"),
            entity().with("A", "1"),
            entity().with("A", 1),
            entity().with("A", 1.0),
            entity().with("A", true),
            entity().with("A", vec![b'1']),
            entity().with("A", "1").with("B", ""),
            entity().with("A", "").with("B", "1"),
            entity().with("A", "1B"),
            entity().with("AB", "1"),
            entity().with("A", DateTime::from_timestamp(1, 1).expect("an instant")),
            entity().with("A", DateTime::from_timestamp(1, 2).expect("an instant")),
        ];
        let macs: HashSet<_> = all.iter().map(|entity| key.mac(Kind::Row, entity)).collect();
        assert_eq!(macs.len(), all.len());
        assert_ne!(key.mac(Kind::Row, &all[0]), key.mac(Kind::Block, &all[0]));
        assert_ne!(key.mac(Kind::Row, &all[0]), SealKey::new(&[8; 32]).mac(Kind::Row, &all[0]));
        let signed = key.signed(Kind::Head, entity().with("A", "1"));
        assert!(key.fits(Kind::Head, &signed) && !key.fits(Kind::Head, &signed.with("A", "2")));
    }
}
