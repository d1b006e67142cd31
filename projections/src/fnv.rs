//! Numbers that stand for names where many rows have them.

/// FNV-1a, 64 bits, of a name and what kind of name it is: the same in every program. It need not withstand anybody.
pub(crate) fn fnv(kind: u8, name: &str) -> u64 {
    let bytes = std::iter::once(kind).chain(name.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_frozen() {
        // Published: http://www.isthe.com/chongo/src/fnv/test_fnv.c
        assert_eq!(fnv(b'f', "oobar"), 0x8594_4171_f739_67e8);
    }
}
