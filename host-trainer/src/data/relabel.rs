//! A data set with the class numbers of a network.

use super::{DataSet, Split};
use crate::classes::Classes;
use crate::error::{Error, Result};

impl DataSet {
    /// The same images with the classes of a network, matched by label. Classes of the network that the data set does not
    /// have get no images.
    ///
    /// A network file without labels has numbered classes. If the data set has as many classes, they are taken to be the
    /// same in the same order, and a note says so.
    ///
    /// # Errors
    /// When the data set has classes that the network does not have.
    pub fn with_classes_of(self, network: &Classes) -> Result<Self> {
        if self.classes == *network {
            return Ok(self);
        }
        let count = network.count();
        if self.classes.count() == count && network.are_numbered() {
            let note = format!("the network's classes have no names; they are taken to be those of {}", self.name);
            return Ok(Self { notes: [self.notes, vec![note]].concat(), ..self });
        }
        let labels = self.classes.labels();
        let unknown: Vec<&str> =
            labels.iter().map(String::as_str).filter(|label| network.find(label).is_none()).collect();
        if !unknown.is_empty() {
            return Err(Error::Usage(format!(
                "{} has the {} {}, but the network's classes are {}; give --data with the network's classes, or a \
                 network trained on these",
                self.name,
                if unknown.len() == 1 { "class" } else { "classes" },
                unknown.join(", "),
                network.labels().join(", "),
            )));
        }
        let numbers: Vec<u8> = labels.iter().map(|label| network.find(label).map_or(0, |class| class as u8)).collect();
        let (train, test) = (self.train.renumbered(&numbers, count), self.test.renumbered(&numbers, count));
        Ok(Self { classes: network.clone(), train, test, ..self })
    }
}

impl Split {
    /// The same images, with class `c` as `numbers[c]`, which is below `classes`.
    fn renumbered(&self, numbers: &[u8], classes: usize) -> Self {
        Self { images: self.images.clone(), labels: self.labels.mapv(|label| numbers[usize::from(label)]), classes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits_10k;

    #[test]
    fn classes_are_matched_by_label() {
        let data = digits_10k();
        let same = data.clone().with_classes_of(&Classes::digits()).unwrap();
        assert_eq!(same.test, data.test);
        let reversed = Classes::new((0..10).rev().map(|digit| digit.to_string()).chain(["A".into()])).unwrap();
        let matched = data.clone().with_classes_of(&reversed).unwrap();
        assert_eq!((matched.test.classes(), matched.classes.count()), (11, 11));
        assert!(matched.test.labels().iter().zip(data.test.labels()).all(|(new, old)| new + old == 9));
        assert_eq!(matched.test.images(), data.test.images());
    }

    #[test]
    fn numbered_classes_take_the_names_of_as_many() {
        let letters = Classes::new(('A'..='J').map(String::from)).unwrap();
        let data = DataSet { classes: letters.clone(), ..digits_10k() };
        let named = data.clone().with_classes_of(&Classes::digits()).unwrap();
        assert_eq!(named.classes, letters);
        assert!(named.notes[0].contains("taken to be those of digits-10k"), "{:?}", named.notes);
        let refused = digits_10k().with_classes_of(&letters).unwrap_err().to_string();
        assert!(refused.contains("digits-10k has the classes 0, 1, 2,"), "{refused}");
        let eleven = Classes::numbered(11).unwrap();
        assert!(data.with_classes_of(&eleven).unwrap_err().to_string().contains("the network's classes are 0, 1"));
    }
}
