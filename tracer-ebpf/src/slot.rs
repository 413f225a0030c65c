//! The slot: one `u32` per page frame that says which site holds it, and since when.

/// Slots per map value: so many that a block of the largest order, which the
/// buddy allocator aligns to its size, never crosses a value.
pub const CHUNK_SLOTS: usize = 1 << MAX_ORDER;

/// The largest order the slot table understands: `MAX_PAGE_ORDER` of arm64 with pages of 64 KiB. With
/// those of 16 KiB it is 11, elsewhere 10.
pub const MAX_ORDER: u32 = 13;

/// Stands in the place of an order for the single pages of the bulk allocator.
pub const BULK: u32 = MAX_ORDER + 1;

/// The value type of the slot map: the slots of neighbouring page frames.
pub type Chunk = [u32; CHUNK_SLOTS];

const EPOCH_BITS: u32 = 12;

/// The highest epoch a slot can hold.
pub const LAST_EPOCH: u32 = (1 << EPOCH_BITS) - 1;

/// How many site ids exist, the reserved ones included.
pub const MAX_SITES: u32 = 1 << (u32::BITS - EPOCH_BITS);

/// The first of reserved site ids, one per order and one for [`BULK`]: pages that found the
/// site table full.
pub const SITE_TABLE_FULL: u32 = 1;

/// The first of reserved site ids, one per order and one for [`BULK`]: pages whose stack
/// could not be unwound.
pub const STACK_LOST: u32 = SITE_TABLE_FULL + BULK + 1;

/// The first site id that stands for a stack.
pub const FIRST_SITE: u32 = STACK_LOST + BULK + 1;

/// What a site id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteId {
    /// Pages of this order that found the site table full.
    SiteTableFull(u32),
    /// Pages of this order whose stack could not be unwound.
    StackLost(u32),
    /// A stack, at this index of the site table.
    Stack(u32),
}

impl SiteId {
    /// Takes the id out of a slot apart.
    pub const fn of(site: u32) -> Self {
        match site {
            FIRST_SITE.. => Self::Stack(site),
            STACK_LOST.. => Self::StackLost(order(site - STACK_LOST)),
            _ => Self::SiteTableFull(order(site.saturating_sub(SITE_TABLE_FULL))),
        }
    }
}

/// The order of the pages that an order or [`BULK`] stands for.
pub const fn order(order_or_bulk: u32) -> u32 {
    if order_or_bulk == BULK {
        0
    } else {
        order_or_bulk
    }
}

/// One word of the slot table: `site:20 | epoch:12`, and 0 for "not outstanding".
///
/// Site id 0 is never given out, so an outstanding page is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Slot(pub u32);

impl Slot {
    /// The slot of a page that `site` took in `epoch`; bits that do not fit are cut off.
    #[inline(always)]
    pub const fn new(site: u32, epoch: u32) -> Self {
        Self((site << EPOCH_BITS) | (epoch & LAST_EPOCH))
    }

    /// The site id.
    #[inline(always)]
    pub const fn site(self) -> u32 {
        self.0 >> EPOCH_BITS
    }

    /// The epoch of the allocation.
    #[inline(always)]
    pub const fn epoch(self) -> u32 {
        self.0 & LAST_EPOCH
    }
}

const _: () = assert!(size_of::<Chunk>() == 32 << 10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_gives_back_what_was_put_in() {
        for site in [SITE_TABLE_FULL, STACK_LOST, FIRST_SITE, MAX_SITES - 1] {
            for epoch in [0, 1, LAST_EPOCH] {
                let slot = Slot::new(site, epoch);
                assert_eq!((slot.site(), slot.epoch()), (site, epoch));
            }
        }
    }

    #[test]
    fn reserved_ids_tell_their_order() {
        assert_eq!(SiteId::of(SITE_TABLE_FULL + 3), SiteId::SiteTableFull(3));
        assert_eq!(SiteId::of(STACK_LOST), SiteId::StackLost(0));
        assert_eq!(SiteId::of(STACK_LOST + BULK), SiteId::StackLost(0));
        assert_eq!(SiteId::of(FIRST_SITE), SiteId::Stack(FIRST_SITE));
    }

    #[test]
    fn an_outstanding_page_is_never_zero() {
        assert_ne!(Slot::new(SITE_TABLE_FULL, 0).0, 0);
    }

    #[test]
    fn an_epoch_too_large_leaves_the_site_alone() {
        assert_eq!(Slot::new(7, LAST_EPOCH + 1).site(), 7);
    }
}
