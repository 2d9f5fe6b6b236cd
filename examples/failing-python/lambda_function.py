class OrderError(Exception):
    pass


def lambda_handler(event, context):
    if event.get("how") == "none":
        return "all is well"
    raise OrderError("the lamp is sold out")
