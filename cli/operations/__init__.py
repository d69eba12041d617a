"""Operations on orders that were placed: look, cancel, resolve."""
