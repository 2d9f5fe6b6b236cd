def lambda_handler(event, context):
    print("hello from", context.function_name)
    return {"message": f"Hello, {event.get('name', 'world')}!"}
