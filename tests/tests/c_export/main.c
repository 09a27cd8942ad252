/* Reads images from its input, and writes what the exported network makes of each: logits, class, activations. */

#include "network.h"

#include <stdio.h>

int main(void) {
    static uint8_t pixels[NETWORK_IMAGE_BYTES];
    static network_workspace workspace;
    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
        int8_t logits[NETWORK_CLASSES];
        const uint8_t class = (uint8_t)network_classify(pixels, logits, &workspace);
        fwrite(logits, 1, sizeof logits, stdout);
        fwrite(&class, 1, sizeof class, stdout);
        fwrite(&workspace, 1, sizeof workspace, stdout);
    }
    return fflush(stdout) != 0;
}
