import time
import uuid

# Outside the handler: runs once, when the environment is made.
DRAWN_ONCE = str(uuid.uuid4())
invokes = 0


def lambda_handler(event, context):
    global invokes
    invokes += 1
    time.sleep(event.get("sleep_ms", 0) / 1000)
    return {"environment": DRAWN_ONCE, "invokes": invokes}
