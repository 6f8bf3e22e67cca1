//! Networks as `address/prefix` (CIDR).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The part before `/` is no address.
    #[error("must be an IP address or a network such as `10.0.0.0/8`")]
    Address,
    /// The part after `/` is no length that such an address can have.
    #[error("must have a prefix length from 0 to {0} after `/`")]
    Prefix(u8),
    /// The address has bits behind the prefix.
    #[error("has an address that is not the first of its network")]
    HostBits(Network),
}

impl Network {
    /// Whether `address` belongs to this network. An IPv4 address that is written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && first(address, self.prefix) == self.address
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Reads `address/prefix`; an address alone is the network of that one address.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => {
                let prefix: u8 = prefix.parse().map_err(|_| NetworkError::Prefix(bits))?;
                if prefix > bits {
                    return Err(NetworkError::Prefix(bits));
                }
                prefix
            }
        };
        let network = Self {
            address: first(address, prefix),
            prefix,
        };
        if network.address == address {
            Ok(network)
        } else {
            Err(NetworkError::HostBits(network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// `address` with every bit behind `prefix` cleared.
fn first(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(prefix))
                .unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(prefix))
                .unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Network, NetworkError};

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn knows_its_addresses() {
        assert!(network("10.0.0.0/8").contains("10.200.3.4".parse().unwrap()));
        assert!(!network("10.0.0.0/8").contains("11.0.0.0".parse().unwrap()));
        assert!(network("10.0.0.7").contains("::ffff:10.0.0.7".parse().unwrap()));
        assert!(network("0.0.0.0/0").contains("255.1.2.3".parse().unwrap()));
        assert!(!network("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(network("2001:db8::/32").contains("2001:db8:1::1".parse().unwrap()));
    }

    #[test]
    fn refuses_what_is_no_network() {
        assert_eq!("10.0.0".parse::<Network>(), Err(NetworkError::Address));
        assert_eq!(
            "10.0.0.0/33".parse::<Network>(),
            Err(NetworkError::Prefix(32))
        );
        assert_eq!("::/x".parse::<Network>(), Err(NetworkError::Prefix(128)));
        assert_eq!(
            "10.1.2.3/8".parse::<Network>(),
            Err(NetworkError::HostBits(network("10.0.0.0/8")))
        );
    }
}
