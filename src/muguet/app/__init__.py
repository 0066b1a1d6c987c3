"""The page for the browser: drop a file, see it denoised while the network learns, and download the result.

`server` and `handlers` speak HTTP; `service`, `job`, `access` and `turns` hold all logic and need no web framework.
"""
