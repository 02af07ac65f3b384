/* ---
description: >-
  One row per user in any of the four files, as landed, before any cleaning rule. The label is
  whether the user stands in result, which lists buyers only.
key: [customer_id]
attributes: true
columns:
  customer_id: {type: source, description: Who.}
--- */
with user_info as (
    select *
    from typed_user_info
    where occurrence = 1
),

login_day as (
    select *
    from typed_login_day
    where occurrence = 1
),

visit_info as (
    select *
    from typed_visit_info
    where occurrence = 1
),

buyers as (
    select distinct customer_id
    from typed_result
    where result = 1
),

known_users as (
    select customer_id from user_info
    union
    select customer_id from login_day
    union
    select customer_id from visit_info
    union
    select customer_id from typed_result
)

select
    known_users.customer_id,
    user_info.first_order_time,
    user_info.first_order_price,
    user_info.age_month,
    user_info.city_num,
    user_info.platform_num,
    user_info.model_num,
    user_info.app_num,
    login_day.login_day,
    login_day.login_diff_time,
    login_day.distance_day,
    login_day.login_time,
    login_day.launch_time,
    login_day.chinese_subscribe_num,
    login_day.math_subscribe_num,
    login_day.add_friend,
    login_day.add_group,
    login_day.camp_num,
    login_day.learn_num,
    login_day.finish_num,
    login_day.study_num,
    login_day.coupon,
    login_day.course_order_num,
    visit_info.main_home,
    visit_info.main_home2,
    visit_info.mainpage,
    visit_info.schoolreportpage,
    visit_info.main_mime,
    visit_info.lightcoursetab,
    visit_info.main_learnpark,
    visit_info.partnergamebarrierspage,
    visit_info.evaulationcenter,
    visit_info.coupon_visit,
    visit_info.click_buy,
    visit_info.progress_bar,
    visit_info.ppt,
    visit_info.task,
    visit_info.video_play,
    visit_info.video_read,
    visit_info.next_nize,
    visit_info.answer_task,
    visit_info.chapter_module,
    visit_info.course_tab,
    visit_info.slide_subscribe,
    visit_info.baby_info,
    visit_info.click_notunlocked,
    visit_info.share,
    visit_info.click_dialog,
    buyers.customer_id is not null as label,
from known_users
left join user_info on known_users.customer_id = user_info.customer_id
left join login_day on known_users.customer_id = login_day.customer_id
left join visit_info on known_users.customer_id = visit_info.customer_id
left join buyers on known_users.customer_id = buyers.customer_id
