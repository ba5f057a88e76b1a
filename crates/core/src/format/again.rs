//! Spans as this thread wrote them last: most records are raised in the same spans as others before them.

use std::cell::RefCell;
use std::sync::Arc;

use crate::record::Spans;

/// What is longer is not kept.
const MOST_BYTES: usize = 8 << 10;

/// So many texts a thread keeps.
const PLACES: usize = 4;

/// What [`Text`](super::Text) makes of spans, without and with colours.
pub(super) const TEXT: u8 = 0;
pub(super) const TEXT_IN_COLOUR: u8 = 1;
/// What [`Json`](super::Json) makes of the innermost span, and of all.
pub(super) const JSON_LEAF: u8 = 2;
pub(super) const JSON_LIST: u8 = 3;

const LAYOUTS: usize = 4;

/// What has been written of some spans.
#[derive(Debug)]
struct Written {
    /// Held, so that no others can have their address.
    spans: Arc<[u8]>,
    layout: u8,
    text: Vec<u8>,
}

#[derive(Debug)]
struct Kept {
    places: Vec<Written>,
    /// The place that is used next.
    next: usize,
    /// What was not there the last time, by layout: only what is asked for again is worth a place. One line of JSON asks for two
    /// layouts in turn.
    missed: [usize; LAYOUTS],
}

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { places: Vec::new(), next: 0, missed: [0; LAYOUTS] }) };
}

/// Appends what `write` makes of these spans. The same spans with the same `layout`, which stands for all that `write` depends
/// on beside them, are written once and then copied.
#[inline]
pub(super) fn write(spans: Spans<'_>, layout: u8, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let Some(kept) = spans.kept.filter(|kept| kept.len() <= MOST_BYTES) else { return write(out) };
    // Late in a thread's life its locals are gone; then all is written.
    let is_there = KEPT.try_with(|all| all.try_borrow().is_ok_and(|all| all.append(kept, layout, out)));
    if is_there.unwrap_or(false) {
        return;
    }
    let start = out.len();
    write(out);
    let text = out.get(start..).unwrap_or_default();
    KEPT.try_with(|all| all.try_borrow_mut().map(|mut all| all.note(kept, layout, text)).ok()).ok();
}

impl Kept {
    #[inline]
    fn append(&self, spans: &Arc<[u8]>, layout: u8, out: &mut Vec<u8>) -> bool {
        let same = self.places.iter().find(|written| Arc::ptr_eq(&written.spans, spans) && written.layout == layout);
        same.inspect(|written| out.extend_from_slice(&written.text)).is_some()
    }

    fn note(&mut self, spans: &Arc<[u8]>, layout: u8, text: &[u8]) {
        let Some(missed) = self.missed.get_mut(usize::from(layout)) else { return };
        let this = Arc::as_ptr(spans).addr();
        if std::mem::replace(missed, this) != this || text.len() > MOST_BYTES {
            return;
        }
        let spans = Arc::clone(spans);
        match self.places.get_mut(self.next) {
            Some(written) => {
                written.text.clear();
                written.text.extend_from_slice(text);
                (written.spans, written.layout) = (spans, layout);
            }
            None => self.places.push(Written { spans, layout, text: text.to_vec() }),
        }
        self.next = (self.next + 1) % PLACES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(spans: &Arc<[u8]>, layout: u8) -> (String, bool) {
        let (mut out, mut is_new) = (b"before ".to_vec(), false);
        let spans = Spans { count: 1, bytes: spans, kept: Some(spans) };
        write(spans, layout, &mut out, |out| {
            is_new = true;
            out.extend_from_slice(format!("{layout} {}", String::from_utf8_lossy(spans.bytes)).as_bytes());
        });
        (String::from_utf8(out).unwrap_or_default(), is_new)
    }

    #[test]
    fn what_is_asked_for_again_is_written_once_more_and_then_copied() {
        let [first, second]: [Arc<[u8]>; 2] = [b"first".as_slice().into(), b"second".as_slice().into()];
        let newly = |spans, layout| written(spans, layout).1;
        assert_eq!([newly(&first, 1), newly(&first, 1), newly(&first, 1), newly(&first, 1)], [true, true, false, false]);
        assert_eq!(written(&first, 1).0, "before 1 first");
        assert_eq!(
            [newly(&first, 2), newly(&first, 2), newly(&first, 2)],
            [true, true, false],
            "another layout is another text"
        );
        assert_eq!(written(&first, 2).0, "before 2 first");
        assert_eq!([newly(&second, 1), newly(&first, 1), newly(&second, 1)], [true, false, true], "the last miss was the same");
        assert_eq!((written(&second, 1).0, written(&first, 1).0), ("before 1 second".into(), "before 1 first".into()));
    }

    #[test]
    fn two_layouts_in_turn_are_both_kept() {
        let spans: Arc<[u8]> = b"spans".as_slice().into();
        let both = || [JSON_LEAF, JSON_LIST].map(|layout| written(&spans, layout));
        let texts = ["before 2 spans", "before 3 spans"].map(str::to_owned);
        for is_new in [true, true, false, false] {
            assert_eq!(both(), texts.clone().map(|text| (text, is_new)));
        }
    }

    #[test]
    fn a_thread_keeps_no_more_than_a_few() {
        let all: Vec<Arc<[u8]>> = (0..20_u8).map(|n| Arc::from(vec![b'a' + n])).collect();
        all.iter().for_each(|spans| drop([written(spans, 1), written(spans, 1)]));
        assert_eq!(all.iter().filter(|spans| Arc::strong_count(spans) > 1).count(), PLACES);
        let long: Arc<[u8]> = vec![b'x'; MOST_BYTES + 1].into();
        (0..3).for_each(|_| assert!(written(&long, 1).1));
    }
}
