use std::fmt;

use serde::Serialize;

use super::neighbours::Neighbour;
use super::strokes::{OUTLYING_MAX, Standing, Statistic};

/// Nearest training images that are asked.
pub const NEIGHBOURS: usize = 10;
/// As many neighbours of each of both classes make an image ambiguous.
pub const BOTH_MIN: usize = 2;
/// As many neighbours by pixels must bear the predicted class out before a label is doubted.
const PIXELS_MIN: usize = 6;

/// What is the matter with a misread image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What it shows seems to be the predicted class, not the label.
    LabelError,
    /// A part of it is cut off.
    Cropped,
    /// Its stroke is faint, thin or in pieces.
    FaintOrBroken,
    /// It lies between both classes.
    Ambiguous,
    /// Nobody in the training images writes the class like that, or hardly anybody.
    UnusualStyle,
    /// None of these: there is nothing the matter with the image.
    Mistake,
}

/// What the verdict on an image is made from.
#[derive(Clone, Debug)]
pub(super) struct Evidence<'a> {
    /// The label.
    pub(super) label: usize,
    /// The class it is taken for.
    pub(super) class: usize,
    /// The nearest training images by the network's features.
    pub(super) neighbours: &'a [Neighbour],
    /// The nearest training images by pixels.
    pub(super) pixel_neighbours: &'a [Neighbour],
    /// Its strokes among those of the class that is its label.
    pub(super) standings: &'a [Standing; 9],
    /// Whether its nearest neighbour is farther away than nearly any training image's is.
    pub(super) isolated: bool,
}

impl Verdict {
    /// All, in the order in which they are tried: the first that holds is the verdict.
    pub const ALL: [Self; 6] =
        [Self::LabelError, Self::Cropped, Self::FaintOrBroken, Self::Ambiguous, Self::UnusualStyle, Self::Mistake];

    /// The rule, for people.
    pub fn rule(self) -> String {
        let percent = 100.0 * OUTLYING_MAX;
        match self {
            Self::LabelError => format!(
                "all {NEIGHBOURS} nearest training images by fc2 are labelled as predicted and, as fc2 is what the \
                 prediction was made from, so are at least {PIXELS_MIN} of the {NEIGHBOURS} nearest by pixels, of which \
                 none has this image's label; and the nearest by fc2 is as near as training images usually are"
            ),
            Self::Cropped => format!(
                "a straight cut or ink at the picture's edge that at most {percent} % of the training images of its \
                 class have"
            ),
            Self::FaintOrBroken => format!(
                "ink, strength or width of the stroke so low, or pieces so many, as in at most {percent} % of its class"
            ),
            Self::Ambiguous => format!(
                "of the {NEIGHBOURS} nearest training images by fc2 at least {BOTH_MIN} have its label and at least \
                 {BOTH_MIN} the predicted class"
            ),
            Self::UnusualStyle => format!(
                "any other figure of its stroke that at most {percent} % of its class have, or no training image as near \
                 by fc2 as all but {percent} % of these have one"
            ),
            Self::Mistake => "none of the above: the network has no excuse".into(),
        }
    }

    /// Whether its rule holds.
    pub(super) fn holds(self, evidence: &Evidence<'_>) -> bool {
        let labelled = |neighbours: &[Neighbour], class: usize| {
            neighbours.iter().filter(|neighbour| usize::from(neighbour.label) == class).count()
        };
        let Evidence { label, class, neighbours, pixel_neighbours, .. } = *evidence;
        match self {
            // Neighbours that are far away bear nothing out.
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

    /// Which verdict an outlying figure speaks for.
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
