"""Settings of a loss that are data of a compiled program: losses that differ in them only share it.

A value with a formula of its own (a power of 1, a gamma of 0) is not among them, so that it is
compiled.
"""


def numbers_of(loss) -> dict[str, float]:
    """Return the settings of `loss` that are data, by name; none where it does not say.

    A class says so by a method `_numbers`, which its subclasses do not inherit: they may compute
    anything.
    """
    return loss._numbers() if "_numbers" in vars(type(loss)) else {}


def with_numbers(loss, numbers: dict):
    """Return a copy of `loss` with other numbers, which may be tensors."""
    if not numbers:
        return loss
    adjust = getattr(loss, "_with_numbers", None)
    return with_attributes(loss, numbers) if adjust is None else adjust(numbers)


def with_attributes(loss, attributes: dict):
    """Return a copy of `loss` with other attributes."""
    # Keras' own copy goes by way of the configuration, which holds no tensors.
    twin = object.__new__(type(loss))
    vars(twin).update({**vars(loss), **attributes})
    return twin


def equals(setting, number):
    """Whether a setting is a number that has a formula of its own; data never are."""
    return isinstance(setting, float) and setting == number
