"""Operations that only a newer official document than the SDK's has (atlas-api.md §3)."""

SECONDS = {"type": "integer", "minimum": 1, "maximum": 31536000, "nullable": True, "example": 86400}
DELEGATION = {
    "type": "object",
    "properties": {
        "delegatedMcpAccess": {"type": "string", "enum": ["DISALLOWED", "READ_ONLY", "READ_WRITE"], "nullable": True},
        "delegatedPartnerAccess": {"type": "string", "enum": ["DISALLOWED", "READ_WRITE"], "nullable": True},
        "idleRefreshTokenLifetime": SECONDS,
        "maximumRefreshTokenLifetime": SECONDS,
    },
}
MEDIA = {"application/vnd.atlas.2025-03-12+json": {"schema": DELEGATION}}
ANSWER = {"200": {"content": MEDIA}}

NEWER = {
    "/api/atlas/v2/orgs/{orgId}/delegationSettings": {
        "parameters": [{"name": "orgId", "in": "path"}],
        "get": {"operationId": "getOrgDelegationSettings", "responses": ANSWER},
        "patch": {
            "operationId": "updateOrgDelegationSettings",
            "requestBody": {"content": MEDIA},
            "responses": ANSWER,
        },
    }
}
