"""OME-Zarr and plain Zarr: read the images of a store, and write them in the same way; needs the extra `zarr`."""
