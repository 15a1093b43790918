//! What a user reads: tables, pictures, one HTML page. Computes nothing.
