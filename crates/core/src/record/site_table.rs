//! What is known of call sites, found by their addresses (pure).

use super::CallSite;

/// How many places there are; a power of two.
const PLACES: usize = 512;

/// A call site is in one of so many places: two that want the same one do not drive each other out with each record.
const CHOICES: usize = 4;

/// What is known of so many call sites; of those that want the same places the last have them.
#[derive(Debug)]
pub(crate) struct SiteTable<T> {
    places: Vec<Option<(&'static CallSite, Box<T>)>>,
    /// The choice that is given up next.
    next: usize,
}

impl<T> Default for SiteTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> SiteTable<T> {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), next: 0 }
    }

    /// What is known of this call site, made by `learn` where that is nothing yet.
    #[inline]
    pub(crate) fn find(&mut self, site: &'static CallSite, learn: impl FnOnce(&'static CallSite) -> T) -> Option<&mut T> {
        let first = first_choice(site);
        let index = if self.holds(first, site) { first } else { self.search(first, site, learn) };
        self.places.get_mut(index)?.as_mut().map(|(_, known)| &mut **known)
    }

    #[inline]
    fn holds(&self, index: usize, site: &'static CallSite) -> bool {
        self.places.get(index).and_then(Option::as_ref).is_some_and(|(other, _)| std::ptr::eq(*other, site))
    }

    fn search(&mut self, first: usize, site: &'static CallSite, learn: impl FnOnce(&'static CallSite) -> T) -> usize {
        let choices = || (0..CHOICES).map(|choice| (first + choice) % PLACES);
        if let Some(index) = choices().find(|index| self.holds(*index, site)) {
            return index;
        }
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        let is_free = |index: &usize| self.places.get(*index).is_some_and(Option::is_none);
        let index = choices().find(is_free).unwrap_or_else(|| {
            self.next = (self.next + 1) % CHOICES;
            (first + self.next) % PLACES
        });
        if let Some(place) = self.places.get_mut(index) {
            *place = Some((site, Box::new(learn(site))));
        }
        index
    }
}

/// Call sites are some 100 bytes apart.
#[inline]
fn first_choice(site: &'static CallSite) -> usize {
    let address = std::ptr::from_ref(site).addr();
    (address >> 4 ^ address >> 12) % PLACES
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tracing_core::field::FieldSet;
    use tracing_core::{Callsite, Interest, Kind, Level, Metadata, identify_callsite};

    use super::*;

    struct Nobody;

    impl Callsite for Nobody {
        fn set_interest(&self, _: Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("nobody asks")
        }
    }

    static NOBODY: Nobody = Nobody;

    fn sites(count: usize) -> &'static [CallSite] {
        let site = || {
            let fields = FieldSet::new(&[], identify_callsite!(&NOBODY));
            Metadata::new("name", "target", Level::INFO, None, None, None, fields, Kind::EVENT)
        };
        Vec::leak((0..count).map(|_| site()).collect())
    }

    #[test]
    fn each_call_site_has_what_was_learned_of_it() {
        let sites = sites(5_000);
        let mut table = SiteTable::new();
        for _ in 0..2 {
            for site in sites {
                let known = table.find(site, |site| std::ptr::from_ref(site).addr()).copied();
                assert_eq!(known, Some(std::ptr::from_ref(site).addr()));
            }
        }
        assert_eq!(table.places.len(), PLACES);
    }

    #[test]
    fn a_few_hundred_are_learned_of_once() {
        // Of those whose choices are the same or none of the same, as many as there are choices.
        let mut wanting = [0; PLACES];
        let fit = |site: &&'static CallSite| {
            let first = first_choice(site);
            wanting[first] += 1;
            first.is_multiple_of(CHOICES) && wanting[first] <= CHOICES
        };
        let sites: Vec<_> = sites(PLACES * (CHOICES + 1)).iter().filter(fit).take(200).collect();
        assert_eq!(sites.len(), 200);
        let (learned, mut table) = (Cell::new(0), SiteTable::new());
        for _ in 0..50 {
            for site in &sites {
                table.find(site, |_| learned.set(learned.get() + 1));
            }
        }
        assert_eq!(learned.get(), 200);
    }

    #[test]
    fn two_that_want_one_place_both_have_one() {
        // So many have fewer places: some place is that of more than there are choices.
        let sites = sites(PLACES * (CHOICES + 1));
        let wanting = |place: usize| sites.iter().filter(move |site| first_choice(site) == place);
        let place = (0..PLACES).find(|place| wanting(*place).count() > CHOICES).unwrap();
        let mut same = wanting(place);
        let (learned, mut table) = (Cell::new(0), SiteTable::new());
        let four: Vec<_> = same.by_ref().take(CHOICES).collect();
        for site in four.iter().cycle().take(100) {
            table.find(site, |_| learned.set(learned.get() + 1));
        }
        assert_eq!(learned.get(), CHOICES);
        table.find(same.next().unwrap(), |_| learned.set(learned.get() + 1));
        assert_eq!(learned.get(), CHOICES + 1);
    }
}
