use std::f64::consts::PI;

/// How the learning rate changes over a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// From the full rate down to zero along half a cosine.
    Cosine,
}

/// A named set of hyper-parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipeName {
    /// What to use unless there is a reason not to.
    Default,
    /// The PyTorch tutorial's, to the letter.
    Tutorial,
}

/// Hyper-parameters of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Name for people and files.
    pub name: &'static str,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images per step; the last step of an epoch may have fewer.
    pub batch: usize,
    /// Learning rate, the highest of the schedule.
    pub lr: f32,
    /// Momentum in [0, 1).
    pub momentum: f32,
    /// Course of the learning rate.
    pub schedule: Schedule,
    /// Each image is shifted in each epoch by up to so many pixels in either direction; 0 is not at all.
    pub max_shift: usize,
    /// Batches over which a logged loss is averaged.
    pub log_every: usize,
}

impl Recipe {
    /// The recipe of a name.
    pub fn named(name: RecipeName) -> Self {
        match name {
            // Chosen on the last 1,000 training images of digits-10k, see `host-trainer/RECIPES.md`.
            RecipeName::Default => Self {
                name: "default",
                epochs: 20,
                batch: 32,
                lr: 0.03,
                momentum: 0.9,
                schedule: Schedule::Cosine,
                max_shift: 2,
                log_every: 200,
            },
            RecipeName::Tutorial => Self {
                name: "tutorial",
                epochs: 10,
                batch: 32,
                lr: 0.001,
                momentum: 0.9,
                schedule: Schedule::Constant,
                max_shift: 0,
                log_every: 200,
            },
        }
    }

    /// The learning rate of a step, counted from 0 over all `steps` of the training.
    pub fn learning_rate(&self, step: usize, steps: usize) -> f32 {
        match self.schedule {
            Schedule::Constant => self.lr,
            Schedule::Cosine => {
                let progress = step as f64 / steps as f64;
                (f64::from(self.lr) * 0.5 * (1.0 + (PI * progress).cos())) as f32
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_have_their_closed_forms() {
        let mut recipe = Recipe { lr: 0.4, ..Recipe::named(RecipeName::Default) };
        let rates = [0, 25, 50, 75].map(|step| recipe.learning_rate(step, 100));
        for (rate, expected) in rates.into_iter().zip([0.4, 0.341_421_36, 0.2, 0.058_578_64]) {
            assert!((rate - expected).abs() < 1e-7, "{rate}");
        }
        recipe.schedule = Schedule::Constant;
        assert_eq!(recipe.learning_rate(99, 100), 0.4);
    }

    #[test]
    fn tutorial_is_the_tutorial() {
        let recipe = Recipe::named(RecipeName::Tutorial);
        assert_eq!((recipe.epochs, recipe.batch, recipe.lr, recipe.momentum), (10, 32, 0.001, 0.9));
        assert_eq!((recipe.schedule, recipe.log_every), (Schedule::Constant, 200));
    }
}
