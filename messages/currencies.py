"""Currencies of ISO 4217, with the number of decimals that each has.

The table is a part of the format of ledgers: they store amounts as numbers of minor units. So it is
kept here, and no upgrade of a library changes it. Codes are added, and none is removed or changed,
because ledgers and open orders may contain it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr

# ISO 4217, list one, of 2026-01-01. Without the codes that have no minor unit, such as XAU for
# gold: nobody pays with them. A test compares the table with an independent copy of the list.
_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
        CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
        GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK
        LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO
        NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS
        SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST
        XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
#: Number of decimals, by code.
DECIMALS: Mapping[str, int] = MappingProxyType(
    {code: decimals for decimals, codes in _CODES.items() for code in codes.split()}
)
#: Number of decimals of amounts without a currency, which are in the shop's own.
_DECIMALS_OF_THE_SHOP = 2


def _known(code: str) -> str:
    if code not in DECIMALS:
        raise ValueError("must be a currency code of ISO 4217, such as EUR")
    return code


#: Code of a currency, such as EUR.
Currency = Annotated[StrictStr, Field(max_length=20), AfterValidator(_known)]


def decimals_of(currency: str | None) -> int:
    """Return the number of decimals of a currency; without one, of the shop's own."""
    return DECIMALS[currency] if currency else _DECIMALS_OF_THE_SHOP


def check_decimals(amount: Decimal, currency: str | None, name: str) -> None:
    """Check that an amount has no more decimals than its currency.

    Raises:
        ValueError: it has; the message begins with the name of the amount.
    """
    most = decimals_of(currency)
    if amount != amount.quantize(Decimal(1).scaleb(-most)):
        raise ValueError(
            f"{name}: {amount_in_words(amount, currency)} has more than {most} decimals"
        )


def minor_units(amount: Decimal, currency: str | None) -> int:
    """Convert an amount to minor units of its currency, such as cents.

    Raises:
        ValueError: it has more decimals than its currency.
    """
    check_decimals(amount, currency, "amount")
    return int(amount.scaleb(decimals_of(currency)))


def amount_in_words(amount: Decimal, currency: str | None) -> str:
    """Return an amount for a person to read, with its decimals and its currency: ``1500 JPY``."""
    if currency is None:
        return str(amount)
    least = Decimal(1).scaleb(-decimals_of(currency))
    rounded = amount.quantize(least)
    return f"{rounded if rounded == amount else amount} {currency}"
