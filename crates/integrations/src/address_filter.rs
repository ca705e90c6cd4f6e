//! Which addresses integrations may call: public ones, and the private ones an administrator has listed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is on the public internet. Everything the IANA special-purpose registries (RFC 6890 and its
/// updates) reserve is not, and an IPv6 address that carries an IPv4 address is judged by that one too.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = match a {
        // This network; loopback; private; multicast, reserved, broadcast.
        0 | 10 | 127 | 224..=255 => true,
        // Shared address space of carriers (RFC 6598); one cloud keeps its metadata service there.
        100 => (64..128).contains(&b),
        // Link-local, the usual home of cloud metadata.
        169 => b == 254,
        // The host endpoint of Azure's fabric: public by number, inside by nature.
        168 => address == Ipv4Addr::new(168, 63, 129, 16),
        172 => (16..32).contains(&b),
        // Private; protocol assignments; documentation; the retired 6to4 relay; AS112 and AMT.
        192 => {
            b == 168
                || (b == 0 && (c == 0 || c == 2))
                || (b == 88 && c == 99)
                || (b == 31 && c == 196)
                || (b == 52 && c == 193)
                || (b == 175 && c == 48)
        }
        // Benchmarking; documentation.
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    // Global unicast is 2000::/3; all else (loopback, unique local, link-local, multicast ...) is not.
    let global_unicast = segments[0] & 0xe000 == 0x2000;
    // IETF protocol assignments with Teredo (2001::/23), documentation (2001:db8::/32 and 3fff::/20).
    let assigned = segments[0] == 0x2001 && segments[1] < 0x0200;
    let documentation =
        (segments[0] == 0x2001 && segments[1] == 0x0db8) || (segments[0] == 0x3fff && segments[1] < 0x1000);
    global_unicast && !assigned && !documentation
}

/// The IPv4 address packets would really go to: 6to4 and NAT64 with its well-known prefix. Mapped addresses are
/// sockets of IPv4; compatible and translated ones and the local NAT64 prefix are outside 2000::/3 and stay refused.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0x2002, high, low, ..] => Some(join(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0xffff, high, low] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_inside_are_refused_in_every_spelling() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "fec0::1",
            "::ffff:0:7f00:1",
        ] {
            assert!(!is_public(text.parse().expect("an address")), "{text} passed");
        }
        for text in
            ["20.190.128.1", "172.32.0.1", "100.128.0.1", "2603:1006::1", "2001:4860:4860::8888", "64:ff9b::808:808"]
        {
            assert!(is_public(text.parse().expect("an address")), "{text} was refused");
        }
    }

    proptest! {
        #[test]
        fn an_embedded_address_is_judged_as_the_address_inside(bits: u32) {
            let inner = Ipv4Addr::from(bits);
            let [high, low] = [(bits >> 16) as u16, bits as u16];
            let public = is_public(inner.into());
            prop_assert_eq!(is_public(inner.to_ipv6_mapped().into()), public);
            prop_assert_eq!(is_public(Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into()), public);
            prop_assert_eq!(is_public(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into()), public);
        }

        #[test]
        fn nothing_the_standard_library_calls_special_is_public(bits: u32, wide: u128) {
            let v4 = Ipv4Addr::from(bits);
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast()
                || v4.is_documentation() || v4.is_unspecified() {
                prop_assert!(!is_public(v4.into()));
            }
            let v6 = Ipv6Addr::from(wide);
            if v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast() {
                prop_assert!(!is_public(v6.into()));
            }
        }
    }
}
