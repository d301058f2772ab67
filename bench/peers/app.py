"""What many would build in place of CC-Docker's edge: FastAPI, a JWT, a session's fields in Redis. It stores nothing else."""

import os

import redis.asyncio as redis
from fastapi import FastAPI, HTTPException, Request
from jose import JWTError, jwt

SECRET = os.environ["JWT_SECRET"]
app = FastAPI()
store = redis.Redis(unix_socket_path=os.environ["REDIS_SOCKET"])


def owner(request: Request) -> str:
    try:
        token = request.headers["authorization"].split(" ", 1)[1]
        return jwt.decode(token, SECRET, algorithms=["HS256"])["sub"]
    except (KeyError, IndexError, JWTError):
        raise HTTPException(401)


@app.get("/sessions/{session_id}")
async def show(session_id: str, request: Request):
    owner(request)
    row = await store.hgetall(f"session:{session_id}")
    if not row:
        raise HTTPException(404)
    return {key.decode(): value.decode() for key, value in row.items()}


@app.put("/sessions/{session_id}")
async def put(session_id: str):
    fields = {"id": session_id, "status": "idle", "model": "opus-4"}
    await store.hset(f"session:{session_id}", mapping=fields)
    return fields
