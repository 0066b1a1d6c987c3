"""What the interfaces for a screen share: runs in the background, the noise law and the checks of their result."""
