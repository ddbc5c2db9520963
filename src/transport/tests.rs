//! Properties over any bytes.
