//! The parameters that training starts from when a trained network is given.

use ndarray::s;

use super::{Options, initial_network};
use crate::network::{Network, Parameters};

/// The parameters of a trained network, for the classes of `options`.
///
/// All layers but fc3 are copied. The rows of fc3 whose label the network has are copied too, to the bit; the others are
/// those of [`initial_network`].
pub fn transferred(trained: &Network, options: &Options) -> Parameters<f32> {
    let mut parameters = initial_network(options).parameters;
    let shared =
        trained.parameters.values().len() - trained.parameters.fc3_weight().len() - trained.parameters.fc3_bias().len();
    parameters.values_mut()[..shared].copy_from_slice(&trained.parameters.values()[..shared]);
    for (class, label) in options.classes.labels().iter().enumerate() {
        let Some(old) = trained.classes.find(label) else { continue };
        parameters
            .fc3_weight_mut()
            .slice_mut(s![class, ..])
            .assign(&trained.parameters.fc3_weight().slice(s![old, ..]));
        parameters.fc3_bias_mut()[class] = trained.parameters.fc3_bias()[old];
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::Classes;
    use crate::training::{Recipe, RecipeName};

    #[test]
    fn rows_of_known_labels_are_kept_to_the_bit() {
        let options = |labels: &[&str], seed| Options {
            recipe: Recipe::named(RecipeName::Default),
            pools: Default::default(),
            classes: Classes::new(labels).unwrap(),
            seed,
        };
        let trained = initial_network(&options(&["a", "b", "c"], 1));
        let wanted = options(&["new", "c", "a", "other"], 2);
        let parameters = transferred(&trained, &wanted);
        assert_eq!(parameters.classes(), 4);
        assert_eq!(parameters.fc1_weight(), trained.parameters.fc1_weight());
        assert_eq!(parameters.fc3_weight().row(1), trained.parameters.fc3_weight().row(2));
        assert_eq!(parameters.fc3_weight().row(2), trained.parameters.fc3_weight().row(0));
        assert_eq!(parameters.fc3_bias()[1], trained.parameters.fc3_bias()[2]);
        let initial = initial_network(&wanted).parameters;
        assert_eq!(parameters.fc3_weight().row(0), initial.fc3_weight().row(0));
        assert_eq!(parameters.fc3_bias()[3], initial.fc3_bias()[3]);
    }
}
