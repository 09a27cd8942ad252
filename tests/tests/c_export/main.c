/*
 * Classifies the images on standard input. For each it writes the logits, the class and the activations to standard
 * output. It is C and C++.
 */

#include "network.h"

#include <stdio.h>

int main(void) {
    static uint8_t pixels[NETWORK_IMAGE_BYTES];
    static network_workspace workspace;
    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
        int8_t logits[NETWORK_CLASSES];
        const uint8_t digit = (uint8_t)network_classify(pixels, logits, &workspace);
        fwrite(logits, 1, sizeof logits, stdout);
        fwrite(&digit, 1, sizeof digit, stdout);
        fwrite(&workspace, 1, sizeof workspace, stdout);
    }
    return fflush(stdout) != 0;
}
