"""Usage objects of every provider family, in the shapes that their documentation publishes.

They are written after the providers' API references (nobody recorded traffic), with the numbers of their
examples where there are some.
"""

from typing import Any

from pricing.units import TokenCounts

CHAT_USAGE = {
    "prompt_tokens": 2006,
    "completion_tokens": 300,
    "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 192,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
CHAT = {"object": "chat.completion", "model": "gpt-5", "service_tier": "default", "usage": CHAT_USAGE}
RESPONSE = {
    "object": "response",
    "status": "completed",
    "model": "gpt-5",
    "service_tier": "flex",
    "output": [
        {"type": "reasoning", "summary": []},
        {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "web_search_call", "status": "completed", "action": {"type": "open_page", "url": "u"}},
        {"type": "message", "role": "assistant", "content": []},
    ],
    "usage": {
        "input_tokens": 328,
        "input_tokens_details": {"cached_tokens": 128},
        "output_tokens": 852,
        "output_tokens_details": {"reasoning_tokens": 640},
        "total_tokens": 1180,
    },
}
REALTIME = {
    "object": "realtime.response",
    "usage": {
        "total_tokens": 275,
        "input_tokens": 127,
        "output_tokens": 148,
        "input_token_details": {
            "text_tokens": 119,
            "audio_tokens": 8,
            "image_tokens": 0,
            "cached_tokens": 66,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 2, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 36, "audio_tokens": 112},
    },
}
IMAGE = {
    "created": 1_713_833_628,
    "usage": {
        "total_tokens": 100,
        "input_tokens": 50,
        "output_tokens": 50,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": 50},
    },
}
TRANSCRIPTION = {"text": "…", "usage": {"type": "duration", "seconds": 27.34}}
EMBEDDING = {"object": "list", "usage": {"prompt_tokens": 8, "total_tokens": 8}}
MESSAGE_USAGE = {
    "input_tokens": 2048,
    "cache_read_input_tokens": 1800,
    "cache_creation_input_tokens": 248,
    "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
    "output_tokens": 503,
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
    "service_tier": "standard",
}
CLAUDE = TokenCounts(
    uncached=2048,
    cache_read=1800,
    cache_write_5m=148,
    cache_write_1h=100,
    completion=503,
    web_searches=2,
)
GEMINI: dict[str, Any] = {
    "modelVersion": "gemini-3-pro",
    "candidates": [{"groundingMetadata": {"webSearchQueries": ["a", "b"]}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 1000,
        "cachedContentTokenCount": 400,
        "toolUsePromptTokenCount": 50,
        "candidatesTokenCount": 120,
        "thoughtsTokenCount": 80,
        "totalTokenCount": 1250,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 700},
            {"modality": "AUDIO", "tokenCount": 200},
            {"modality": "VIDEO", "tokenCount": 60},
            {"modality": "IMAGE", "tokenCount": 40},
        ],
        "cacheTokensDetails": [
            {"modality": "TEXT", "tokenCount": 300},
            {"modality": "AUDIO", "tokenCount": 100},
        ],
        "candidatesTokensDetails": [
            {"modality": "TEXT", "tokenCount": 20},
            {"modality": "IMAGE", "tokenCount": 100},
        ],
        "trafficType": "ON_DEMAND",
    },
}
CONVERSE: dict[str, Any] = {
    "output": {"message": {"role": "assistant"}},
    "stopReason": "end_turn",
    "usage": {
        "inputTokens": 125,
        "outputTokens": 60,
        "totalTokens": 685,
        "cacheReadInputTokens": 400,
        "cacheWriteInputTokens": 100,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 30}, {"ttl": "5m", "inputTokens": 70}],
    },
    "metrics": {"latencyMs": 1175},
    "serviceTier": {"type": "priority"},
}
CONVERSED = TokenCounts(uncached=125, cache_read=400, cache_write_5m=70, cache_write_1h=30, completion=60)
VOXTRAL = {
    "model": "voxtral-mini-2507",
    "usage": {
        "prompt_audio_seconds": 203,
        "prompt_tokens": 4,
        "total_tokens": 3264,
        "completion_tokens": 635,
    },
}
DEEPSEEK = {
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_cache_hit_tokens": 64,
        "prompt_cache_miss_tokens": 36,
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
}
XAI = {
    "usage": {
        "prompt_tokens": 32,
        "completion_tokens": 9,
        "total_tokens": 135,
        "prompt_tokens_details": {"text_tokens": 32, "cached_tokens": 6, "image_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 94},
    }
}
OPENROUTER = {
    "usage": {
        "prompt_tokens": 194,
        "completion_tokens": 2,
        "total_tokens": 196,
        "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 100, "audio_tokens": 0},
        "cost": 0.00095,
        "cost_details": {"upstream_inference_cost": None},
    }
}
PERPLEXITY = {
    "usage": {
        "prompt_tokens": 33,
        "completion_tokens": 7163,
        "total_tokens": 7196,
        "citation_tokens": 20016,
        "num_search_queries": 18,
        "reasoning_tokens": 95_305,
        "cost": {"total_cost": 0.409},
    }
}
