"""From folders of faces to batches."""

import cv2

# Faces are small: OpenCV's own threads would only take cores from training, a tenth of its speed.
cv2.setNumThreads(1)
