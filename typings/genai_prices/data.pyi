# The catalogue's data without its 1.6 MB of literals, which cost the type checker half a minute.

from genai_prices.types import Provider

providers: list[Provider]
