use std::fmt;

use serde::Serialize;

use super::neighbours::Neighbour;
use super::strokes::{OUTLYING_MAX, Standing, Statistic};

/// Number of nearest training images to consider.
pub const NEIGHBOURS: usize = 10;
/// Neighbours that both the label and the predicted class must have for an image to be ambiguous.
pub const BOTH_MIN: usize = 2;
/// Pixel-space neighbours that must have the predicted class before a label is doubted.
const PIXELS_MIN: usize = 6;

/// The likely reason why an image was misread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The image seems to show the predicted class; its label is probably wrong.
    LabelError,
    /// Part of the digit is cut off.
    Cropped,
    /// The stroke is faint, thin or broken.
    FaintOrBroken,
    /// It lies between the two classes.
    Ambiguous,
    /// Hardly any training image of the class is written like this.
    UnusualStyle,
    /// None of these: nothing is wrong with the image.
    Mistake,
}

/// The evidence that a verdict is based on.
#[derive(Clone, Debug)]
pub(super) struct Evidence<'a> {
    /// The label.
    pub(super) label: usize,
    /// The class it is mistaken for.
    pub(super) class: usize,
    /// The training images nearest in the network's features (fc2).
    pub(super) neighbours: &'a [Neighbour],
    /// The training images nearest in pixel space.
    pub(super) pixel_neighbours: &'a [Neighbour],
    /// How its stroke measurements compare with those of its label's class.
    pub(super) standings: &'a [Standing; 9],
    /// Whether it is farther from its nearest neighbour than nearly all training images are from theirs.
    pub(super) isolated: bool,
}

impl Verdict {
    /// All verdicts, in the order in which their rules are tried: the first that holds is the verdict.
    pub const ALL: [Self; 6] =
        [Self::LabelError, Self::Cropped, Self::FaintOrBroken, Self::Ambiguous, Self::UnusualStyle, Self::Mistake];

    /// The rule in words.
    pub fn rule(self) -> String {
        let percent = 100.0 * OUTLYING_MAX;
        match self {
            Self::LabelError => format!(
                "all {NEIGHBOURS} nearest training images by fc2 have the predicted class; so do at least {PIXELS_MIN} \
                 of the {NEIGHBOURS} nearest by pixels, which do not depend on the network, and none of them has the \
                 image's label; and the nearest by fc2 is no farther away than usual"
            ),
            Self::Cropped => format!(
                "a straight cut, or ink at the edge of the image, as in at most {percent} % of the training images \
                 with its label"
            ),
            Self::FaintOrBroken => format!(
                "as little ink, as faint or thin a stroke, or as many pieces as in at most {percent} % of its class"
            ),
            Self::Ambiguous => format!(
                "among the {NEIGHBOURS} nearest training images by fc2, at least {BOTH_MIN} have its label and at \
                 least {BOTH_MIN} have the predicted class"
            ),
            Self::UnusualStyle => format!(
                "any other stroke measurement as extreme as in at most {percent} % of its class, or farther from its \
                 nearest training image by fc2 than all but {percent} % of the training images are from theirs"
            ),
            Self::Mistake => "none of the above: nothing about the image explains it".into(),
        }
    }

    /// Whether its rule holds.
    pub(super) fn holds(self, evidence: &Evidence<'_>) -> bool {
        let labelled = |neighbours: &[Neighbour], class: usize| {
            neighbours.iter().filter(|neighbour| usize::from(neighbour.label) == class).count()
        };
        let Evidence { label, class, neighbours, pixel_neighbours, .. } = *evidence;
        match self {
            // Distant neighbours are no evidence for a wrong label.
            Self::LabelError => {
                !evidence.isolated
                    && labelled(neighbours, class) == neighbours.len()
                    && labelled(pixel_neighbours, class) >= PIXELS_MIN
                    && labelled(pixel_neighbours, label) == 0
            }
            Self::Ambiguous => [label, class].into_iter().all(|class| labelled(neighbours, class) >= BOTH_MIN),
            Self::UnusualStyle if evidence.isolated => true,
            Self::Cropped | Self::FaintOrBroken | Self::UnusualStyle => {
                evidence.standings.iter().any(|standing| standing.is_outlying() && Self::of_outlier(standing) == self)
            }
            Self::Mistake => !Self::ALL.iter().any(|verdict| *verdict != self && verdict.holds(evidence)),
        }
    }

    /// The verdict that an outlying measurement supports.
    pub fn of_outlier(standing: &Standing) -> Self {
        match (standing.statistic, standing.is_high()) {
            (Statistic::Cut | Statistic::Edge, true) => Self::Cropped,
            (Statistic::Pieces, true) | (Statistic::Ink | Statistic::Strength | Statistic::Width, false) => {
                Self::FaintOrBroken
            }
            _ => Self::UnusualStyle,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LabelError => "probable label error",
            Self::Cropped => "cropped",
            Self::FaintOrBroken => "faint or broken stroke",
            Self::Ambiguous => "ambiguous",
            Self::UnusualStyle => "unusual style",
            Self::Mistake => "plain mistake",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbours(labels: [u8; 10]) -> Vec<Neighbour> {
        labels.map(|label| Neighbour { index: 0, label, distance: 1.0 }).to_vec()
    }

    fn usual() -> [Standing; 9] {
        Statistic::ALL.map(|statistic| Standing { statistic, value: 1.0, median: 1.0, at_most: 0.6, at_least: 0.5 })
    }

    fn all(by_fc2: [u8; 10], by_pixels: [u8; 10], standings: [Standing; 9], isolated: bool) -> Vec<Verdict> {
        let evidence = Evidence {
            label: 4,
            class: 9,
            neighbours: &neighbours(by_fc2),
            pixel_neighbours: &neighbours(by_pixels),
            standings: &standings,
            isolated,
        };
        Verdict::ALL.into_iter().filter(|verdict| verdict.holds(&evidence)).collect()
    }

    #[test]
    fn each_rule_holds_where_it_says() {
        let nines = [9; 10];
        let mixed = [9, 9, 9, 9, 9, 9, 9, 9, 4, 4];
        assert_eq!(all(nines, [9, 9, 9, 9, 9, 9, 7, 7, 7, 7], usual(), false), [Verdict::LabelError]);
        assert_eq!(all(nines, nines, usual(), true), [Verdict::UnusualStyle]);
        assert_eq!(all(nines, [9, 9, 9, 9, 9, 7, 7, 7, 7, 7], usual(), false), [Verdict::Mistake]);
        assert_eq!(all(nines, [9, 9, 9, 9, 9, 9, 9, 9, 9, 4], usual(), false), [Verdict::Mistake]);
        assert_eq!(all(mixed, nines, usual(), false), [Verdict::Ambiguous]);
        assert_eq!(all([9, 9, 9, 9, 9, 9, 9, 9, 9, 4], nines, usual(), false), [Verdict::Mistake]);
        assert_eq!(all(mixed, nines, usual(), true), [Verdict::Ambiguous, Verdict::UnusualStyle]);
        let outlying = |statistic: Statistic, high: bool| {
            let mut standings = usual();
            let standing = &mut standings[statistic as usize];
            (standing.at_most, standing.at_least) = if high { (1.0, OUTLYING_MAX) } else { (OUTLYING_MAX, 1.0) };
            all([4; 10], [4; 10], standings, false)
        };
        assert_eq!(outlying(Statistic::Cut, true), [Verdict::Cropped]);
        assert_eq!(outlying(Statistic::Cut, false), [Verdict::UnusualStyle]);
        assert_eq!(outlying(Statistic::Pieces, true), [Verdict::FaintOrBroken]);
        assert_eq!(outlying(Statistic::Strength, false), [Verdict::FaintOrBroken]);
        assert_eq!(outlying(Statistic::Loops, false), [Verdict::UnusualStyle]);
        assert_eq!(outlying(Statistic::Slant, true), [Verdict::UnusualStyle]);
    }
}
